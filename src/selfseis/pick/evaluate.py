"""The verdict on a picker: how many of its picks another station confirms, at times that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from selfseis.consensus.agreement import Consensus
from selfseis.consensus.ps_pairs import Moveout
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.pseudo_labels import consensus_of
from selfseis.pick.time_split import Spans
from selfseis.typing import FloatArray
from selfseis.validation import BlockScores, Verdict, judge

MEASURE = "share of P picks whose event another station confirms, at hidden times"
AT_STATIONS = "share of P picks at hidden stations whose event another station confirms, at hidden times"
SHIFTS = 40


def equal_numbers(
    found: list[OnsetCandidates], like: list[OnsetCandidates], spans: Spans
) -> list[OnsetCandidates]:
    """Return at each station the highest onsets in spans, as many of each phase as another finder found."""
    counted = [onsets.within(spans) for onsets in like]
    return [
        onsets.within(spans).best(len(count.p), len(count.s))
        for onsets, count in zip(found, counted, strict=True)
    ]


def that_count(hidden: Sequence[int], like: list[OnsetCandidates], spans: Spans) -> list[int] | None:
    """Return the hidden stations that have P in spans, the same for all that are compared; None (all) without any."""
    return [number for number in hidden if len(like[number].within(spans).p)] or None


def confirmed(
    found: list[OnsetCandidates],
    rate: float,
    s_minus_p: tuple[float, float],
    moveout: Moveout,
    spans: Spans,
    counted: Sequence[int] | None = None,
) -> Consensus:
    """Return what stations agree on, by onsets of any height, at the stations that count."""
    return consensus_of(found, rate, s_minus_p, moveout, spans, bar=0.0, shifts=SHIFTS, counted=counted)


def evaluate_picker(
    detectors: dict[str, list[OnsetCandidates]],
    rate: float,
    s_minus_p: tuple[float, float],
    moveout: Moveout,
    spans: Spans,
    details: dict[str, Any],
    hidden: Sequence[int] = (),
) -> Verdict:
    """Compare a picker with the simple picker, with itself untrained, and with chance, at equal numbers of picks.

    Parameters
    ----------
    finders : dict of str to list of OnsetCandidates
        Onsets of each station; the first is the picker that is judged, the others are its baselines, of which
        the best counts.
    rate : float
        Sampling rate in Hz.
    s_minus_p : tuple of float
        Least and largest S - P in s.
    moveout : Moveout
        What onsets of one event have in common.
    spans : list of (int, int)
        Hidden times, in samples.
    details : dict
        Further numbers to keep.
    hidden : sequence of int
        Stations that were not learnt from, whose picks alone are judged where they have any.
    """
    name, *baselines = detectors
    ours = detectors[name]
    counted = that_count(hidden, ours, spans)
    scores, null = {}, None
    for label, found in detectors.items():
        equal = equal_numbers(found, ours, spans)
        consensus = confirmed(equal, rate, s_minus_p, moveout, spans, counted)
        scores[label] = _scores(equal, consensus, rate, spans)
        details[f"events agreed on: {label}"] = {
            "number": len(consensus.events),
            "by chance": round(consensus.null_mean, 2),
        }
        if label == name:
            null = _under_null(scores[label], consensus)
    assert null is not None
    best = max(baselines, key=lambda label: scores[label].skill)
    return judge(
        "pick",
        scores[name],
        scores[best],
        null,
        baseline_name=best,
        null_name="stations shifted in time against each other",
        measure=AT_STATIONS if counted else MEASURE,
        details=details,
    )


def _scores(found: list[OnsetCandidates], consensus: Consensus, rate: float, spans: Spans) -> BlockScores:
    edges = np.array(spans, float)
    counts = [consensus.counted is None or number in consensus.counted for number in range(len(found))]
    picks = np.concatenate([onsets.p[:, 0] for onsets, here in zip(found, counts, strict=True) if here])
    shared = np.array([onset.p_time * rate for onset in consensus.onsets])
    power = _counted(picks, edges)
    return BlockScores(power - np.minimum(_counted(shared, edges), power), power)


def _counted(at: FloatArray, edges: FloatArray) -> FloatArray:
    at = np.sort(at)
    return (np.searchsorted(at, edges[:, 1]) - np.searchsorted(at, edges[:, 0])).astype(float)


def _under_null(scores: BlockScores, consensus: Consensus) -> BlockScores:
    """Spread what chance confirms over the blocks, in proportion to their picks."""
    share = min(consensus.null_onsets / max(scores.power.sum(), 1.0), 1.0)
    return BlockScores(scores.power * (1 - share), scores.power)
