"""Claim: on real local picks structure predicts held-out events better than event and station terms tuned as hard.

P alone (2,646 picks), then P and S together with Vp/Vs. The measure is that of the verdict: variance explained on
held-out events beyond their own origins, outliers counted as four standard deviations; intervals are paired bootstraps
over events.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.fibre_noise import data_folder
from selfseis.tomography import TravelTimeTomography


def run(quick: bool) -> Iterator[Measured]:
    folder = data_folder() / "tomography" / "flinders"
    tables: list[Table] = []
    for name, arrivals, reference in (
        ("P", folder / "p", folder / "p" / "PSH01.vel"),
        ("P and S", folder, folder / "s" / "SSH01.vel"),
    ):
        found = TravelTimeTomography(
            str(reference),
            hold_out=("event",) if quick else ("event", "station"),
            n_samples=16,
            ray_iterations=0 if quick else 1,
        ).fit(arrivals)
        tables += _tables(name, found)
        progress(str(found.verdict_))
        yield _measured(tables)
        if quick:
            return


def _tables(name: str, found: TravelTimeTomography) -> list[Table]:
    verdicts: list[Row] = []
    for one in found.validations_:
        verdict = one.verdict
        assert verdict.skill and verdict.baseline and verdict.gain and verdict.null
        verdicts.append(
            {
                "held out": one.held_out,
                "verdict": verdict.outcome,
                "explained": round(verdict.skill.value, 4),
                "by event and station terms": round(verdict.baseline.value, 4),
                "gain": round(verdict.gain.value, 4),
                "from": round(verdict.gain.low, 4),
                "to": round(verdict.gain.high, 4),
                "in the null": round(verdict.null.value, 4),
                "blocks": verdict.n_blocks,
            }
        )
    priors = [
        {
            "prior": row["name"],
            "wave": kind,
            "rms s": round(scores["rms"], 4),
            "variance reduction": round(scores["variance_reduction"], 4),
            "in 68%": round(scores["coverage_68"], 3),
            "n": scores["n"],
        }
        for row in found.verdict_.details["priors"]
        for kind, scores in row["kinds"].items()
    ]
    summary = found.summary_
    facts: list[Row] = [
        {
            "arrivals": summary["n_arrivals"],
            "events": summary["n_events"],
            "cells": summary["n_cells"],
            "noise s": ", ".join(f"{wave} {value:g}" for wave, value in summary["noise_s"].items()),
            "setting": ", ".join(f"{key} {value:g}" for key, value in summary["setting"].items()),
        }
    ]
    if "dln_vp_vs" in found.model_:
        both = (found.model_["ray_count"].values > 0) & (found.model_["ray_count_s"].values > 0)
        ratio = found.model_["dln_vp_vs"].values[both]
        sure = np.abs(ratio) > 2 * found.model_["sd_vp_vs"].values[both]
        facts[0] |= {
            "Vp/Vs rms %": round(float(np.sqrt(np.mean(ratio**2))), 2),
            "beyond 2 sd": round(float(sure.mean()), 3),
        }
    return [
        Table(f"{name}: verdicts", verdicts),
        Table(f"{name}: held-out events", priors),
        Table(f"{name}: image", facts),
    ]


def _measured(tables: list[Table]) -> Measured:
    claim = "Structure predicts held-out events of the Flinders picks better than tuned event and station terms do."
    issues = [
        f"{table.title.partition(':')[0]}, held-out {row['held out']}s: {row['verdict']}, "
        f"gain {row['gain']} ({row['from']} to {row['to']})"
        for table in tables
        if table.title.endswith("verdicts")
        for row in table.rows
    ]
    settings = {"folds": 5, "inner folds": 2, "noise": "Student's t, 4 degrees of freedom", "seed": 0}
    return Measured(claim, settings, tables, issues)
