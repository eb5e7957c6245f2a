"""The three outcomes of a verdict, their reasons and their JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from selfseis.validation import BlockScores, Interval, Verdict, judge

N = 60


def scores(skill: float, spread: float = 0.02, seed: int = 0, n_blocks: int = N) -> BlockScores:
    rng = np.random.default_rng(seed)
    power = rng.uniform(0.5, 1.5, n_blocks)
    return BlockScores(power * (1 - skill + spread * rng.standard_normal(n_blocks)), power)


def verdict_of(method: BlockScores, baseline: BlockScores, null: BlockScores, **keywords) -> Verdict:
    return judge("denoise", method, baseline, null, baseline_name="a mean", null_name="shifts", **keywords)


def test_better_than_baseline_and_null_works() -> None:
    verdict = verdict_of(scores(0.5), scores(0.3), scores(0.0))
    assert verdict.outcome == "works" and "Better than the a mean" in verdict.reason
    assert verdict.skill.low < 0.5 < verdict.skill.high
    assert verdict.gain.low < 0.2 < verdict.gain.high
    assert verdict.n_blocks == N


def test_not_better_than_the_baseline_is_no_gain() -> None:
    verdict = verdict_of(scores(0.3), scores(0.3), scores(0.0))
    assert verdict.outcome == "no_gain" and "baseline" in verdict.reason


def test_not_better_than_the_null_is_no_gain() -> None:
    verdict = verdict_of(scores(0.3), scores(0.0), scores(0.3))
    assert verdict.outcome == "no_gain" and "beyond the null" in verdict.reason


def test_negative_skill_is_no_gain() -> None:
    assert verdict_of(scores(-0.2), scores(-0.5), scores(-0.6)).outcome == "no_gain"


def test_too_wide_an_interval_cannot_tell() -> None:
    verdict = verdict_of(scores(0.3, 0.0), scores(0.25, 1.5, seed=4), scores(0.0))
    assert verdict.outcome == "cannot_tell" and "longer record" in verdict.reason
    assert verdict.gain.low < 0 < verdict.gain.high


def test_few_blocks_cannot_tell() -> None:
    verdict = verdict_of(*(scores(s, n_blocks=7) for s in (0.5, 0.3, 0.0)))
    assert verdict.outcome == "cannot_tell" and "7 held-out blocks" in verdict.reason
    assert verdict_of(*(scores(s, n_blocks=8) for s in (0.5, 0.3, 0.0))).outcome == "works"
    strict = verdict_of(*(scores(s, n_blocks=8) for s in (0.5, 0.3, 0.0)), min_blocks=9)
    assert strict.outcome == "cannot_tell" and "9 are needed" in strict.reason


def test_nan_scores_cannot_tell() -> None:
    broken = scores(0.5)
    broken.loss[3] = np.nan
    assert "NaN" in verdict_of(broken, scores(0.3), scores(0.0)).reason


def test_held_out_data_without_power_cannot_tell() -> None:
    nothing = BlockScores(np.zeros(N), np.zeros(N))
    verdict = verdict_of(nothing, nothing, nothing)
    assert verdict.outcome == "cannot_tell" and "zero throughout" in verdict.reason


def test_negligible_gain_is_no_gain() -> None:
    method, baseline, null = scores(0.305, 0.0), scores(0.3, 0.0), scores(0.0)
    verdict = verdict_of(method, baseline, null)
    assert verdict.gain.low > 0 and verdict.outcome == "no_gain"
    assert verdict_of(method, baseline, null, min_gain=0.001).outcome == "works"


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, again, other = (
        verdict_of(scores(0.5, 0.3), scores(0.3, 0.3, 1), scores(0.0), seed=s) for s in (1, 1, 2)
    )
    assert first == again and first.skill != other.skill


@pytest.mark.parametrize(
    "verdict",
    [
        verdict_of(scores(0.5), scores(0.3), scores(0.0), details={"blind_zone_channels": 3}),
        verdict_of(scores(0.3), scores(0.3), scores(0.0)),
        Verdict.undecided("detect", "Too short.", details={"n_events": 2}),
    ],
)
def test_verdicts_survive_json(verdict) -> None:
    text = json.dumps(verdict.to_dict(), allow_nan=False)
    assert Verdict.from_dict(json.loads(text)) == verdict


def test_verdict_json_keeps_its_contract() -> None:
    """The keys that DESIGN.md promises."""
    for verdict in (
        verdict_of(scores(0.5), scores(0.3), scores(0.0)),
        Verdict.undecided("detect", "Too short."),
    ):
        written = verdict.to_dict()
        assert {"task", "verdict", "reason", "skill", "baseline", "null"} <= set(written)
        assert written["verdict"] in ("works", "no_gain", "cannot_tell")
        assert set(written["skill"]) == {"value", "low", "high"}
        assert set(written["baseline"]) == {"name", "value", "low", "high"}
        assert set(written["null"]) == {"name", "value", "low", "high"}
    assert written["skill"]["value"] is None


def test_a_verdict_reads_as_a_sentence() -> None:
    verdict = Verdict("denoise", "no_gain", "Not better.", skill=Interval(0.0, -0.1, 0.1))
    assert str(verdict) == "denoise: no gain over the baseline. Not better."
