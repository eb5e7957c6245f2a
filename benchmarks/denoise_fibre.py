"""Claim: where the signal is, it comes out at least 3 dB above the best of jDAS, AFK and ridge, never below nothing.

Each method trains on the unlabelled noisy records on which it is scored, as a user's does. ``python -m
benchmarks.denoise_fibre METHOD...`` prints the scores of some methods on one seed of two scenarios.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.denoise_data import CHANNELS, LEVELS, SAMPLES, SCENARIOS, Scenario
from benchmarks.denoise_methods import (
    JDAS_SECONDS,
    TUNED,
    Case,
    Tried,
    jdas_run_on,
    jdas_settings,
    make_case,
    methods,
    on_noise_alone,
)
from benchmarks.denoise_scores import score_records
from benchmarks.denoise_tables import (
    convergence_table,
    fibre_findings,
    fibre_tables,
    score_table,
    tuning_table,
)

SEEDS = (0, 1, 2)
QUICK_SCENARIOS = (SCENARIOS[0], SCENARIOS[3])
RUN_ON_SCENARIOS = SCENARIOS[:3]  # on noise that channels share jDAS fits the noise, the longer the better


def run(quick: bool) -> Iterator[Measured]:
    scores: list[Row] = []
    facts: list[Row] = []
    tuning: list[Row] = []
    silent: list[Row] = []
    longer: list[Row] = []
    cases = [(s, 0) for s in QUICK_SCENARIOS] if quick else [(s, seed) for seed in SEEDS for s in SCENARIOS]
    for scenario, seed in cases:
        case = make_case(scenario, seed, with_other=seed == SEEDS[0])
        for name in (name for name in methods() if not (quick and name == "jDAS")):
            rows, of_method = score_method(name, case)
            scores += rows
            facts += of_method
            progress(f"{scenario.label}, seed {seed}: {name} done")
        if not quick and seed == SEEDS[0]:
            silent += on_noise_alone(case)
        if not quick and seed == SEEDS[0] and scenario in RUN_ON_SCENARIOS:
            longer += [row for name in jdas_run_on() for row in score_method(name, case)[0]]
        if not quick and (scenario, seed) == cases[0]:
            tuning = [row for name in jdas_settings() for row in score_method(name, case)[0]]
        yield Measured(
            "Where the signal is, the output lies at least 3 dB above the best of jDAS, AFK and ridge on average over "
            "input of -15 to 0 dB, and never below zero output.",
            _settings(sorted({seed for _, seed in cases[: cases.index((scenario, seed)) + 1]})),
            [
                *fibre_tables(scores, facts),
                Table("Learnt from noise alone", silent),
                tuning_table(tuning),
                convergence_table([*longer, *(r for r in scores if _is_ours(r, SEEDS[0]))]),
            ],
            fibre_findings(scores, facts),
        )


def score_method(name: str, case: Case) -> tuple[list[Row], list[Row]]:
    """Score a method on a case.

    Parameters
    ----------
    name : str
        One of `benchmarks.denoise_methods.methods`, `jdas_settings` or `jdas_run_on`.
    case : Case
        As `make_case` makes it.

    Returns
    -------
    scores : list of dict
        One a record, as `score_records` gives them, with `method`, `scenario`, `seed` and `on` ("same" or "other"
        records than those trained on).
    facts : list of dict
        One a method, which may stand for several: what it cost, and what it says of itself.
    """
    scores, facts = [], []
    for tried in (methods() | jdas_settings() | jdas_run_on())[name](name, case):
        known = {"scenario": case.scenario.label, "seed": case.seed, "method": tried.method}
        facts.append(known | tried.facts)
        scores += [known | {"on": on} | row for on, rows in _scored(tried, case) for row in rows]
    return scores, facts


def _scored(tried: Tried, case: Case) -> Iterator[tuple[str, list[Row]]]:
    yield "same", score_records(case.records, tried.output)
    if tried.other is not None and case.other is not None:
        yield "other", score_records(case.other, tried.other)


def _is_ours(row: Row, seed: int) -> bool:
    return row["method"] == "network" and row["seed"] == seed and row["on"] == "same"


def _settings(seeds: list[int]) -> dict[str, Any]:
    return {
        "seeds": seeds,
        "records": f"{len(LEVELS)} of {CHANNELS} channels x {SAMPLES} samples a scenario and seed, one of each kind",
        "input_db": LEVELS.round(1).tolist(),
        "signal_to_noise": "mean power of signal over that of noise where the signal is, in the band",
        "trained_on": "the noisy records that are scored, all of them joined; other records only where it is said",
        "scenarios": {s.label: f"{s.site.rate:g} Hz, {s.spacing:g} m, {s.site.band} Hz" for s in SCENARIOS},
        "oracle": "AFK and median f-k: setting by the truth for each set, factor by the truth for each record; "
        "low rank: rank by the truth for each record",
        "jdas": f"its own loader, augmentation, loss and denoise(); CPU seconds {JDAS_SECONDS}; tuned: {TUNED}",
        "caveats": [
            "the FORGE noise is made of a second that holds shuffled energy of an event",
            "the channels of a real event are taken as they are, whatever the spacing of the noise",
            "the truth of a real event holds its own noise, 20 to 30 dB below it",
        ],
    }


def _compare(names: list[str]) -> None:
    """Print the scores of methods on one seed of two scenarios."""
    chosen: tuple[Scenario, ...] = QUICK_SCENARIOS
    scores, facts = [], []
    for scenario in chosen:
        case = make_case(scenario, 0)
        for name in names:
            rows, of_method = score_method(name, case)
            scores += rows
            facts += of_method
    print(score_table(scores, facts))


if __name__ == "__main__":
    _compare(sys.argv[1:] or ["zero output", "ridge", "network"])
