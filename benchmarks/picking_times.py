"""Claim: the starting network, without training, times P and S as PhaseNet does on average.

The reference are picks of a supervised PhaseNet among the peers, of at least a probability of 0.3, on hours 1 to 4 of
CX.PB01 and CX.PB02: development data, on which the labels of synthetic S were chosen. It is no truth.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.picking_data import archive, components_of, hours_of
from benchmarks.picking_methods import Method, Onsets, ours, peers, peers_note, sta_lta_aic, untrained
from benchmarks.picking_scores import average_precision
from selfseis.catalogue.records import PHASES, Phase
from selfseis.pick.picker import Picker

RATE, HOURS, QUICK_HOURS = 100.0, (1.0, 4.0), (1.0, 1.5)
REFERENCE = "phasenet"
SURE, MIN_HEIGHT = 0.3, 0.1  # of a reference pick, and of a pick that is timed
WITHIN, NEAR = 0.5, 1.0  # s: a match for the average precision, and a pair that is timed
SHIFT_S = 457.0  # of the null


def run(quick: bool) -> Iterator[Measured]:
    recording = hours_of(archive(), QUICK_HOURS if quick else HOURS)
    stations = components_of(recording)
    reference = next((method for method in peers() if REFERENCE in method.name), None)
    if reference is None:
        yield Measured(
            "Times of picks beside PhaseNet's.", {"peers": peers_note()}, [], ["not measured: no peer"]
        )
        return
    truth = {code: reference.onsets(data, RATE) for code, data in stations.items()}
    picker = Picker().calibrate(recording)
    rows: list[Row] = []
    for method in (
        ours(picker, "starting network"),
        untrained(picker, next(iter(stations.values()))),
        sta_lta_aic(),
    ):
        found = {code: method.onsets(data, RATE) for code, data in stations.items()}
        rows += [_scored(method, found, truth, phase) for phase in PHASES]
        if method.kind == "ours":
            shifted = {code: {phase: _shifted(of[phase]) for phase in PHASES} for code, of in found.items()}
            rows += [_scored(method, shifted, truth, phase, ", shifted (null)") for phase in PHASES]
        progress(str(rows[-1]))
        yield _measured(rows, reference.name)


def _shifted(onsets: NDArray[np.float64]) -> NDArray[np.float64]:
    return onsets + np.array([SHIFT_S, 0.0])


def _scored(
    method: Method, found: dict[str, Onsets], truth: dict[str, Onsets], phase: Phase, note: str = ""
) -> Row:
    precision, off = [], []
    for code, onsets in found.items():
        sure = truth[code][phase]
        wanted = sure[sure[:, 1] >= SURE, 0]
        precision.append(average_precision(onsets[phase], wanted, WITHIN))
        times = onsets[phase][onsets[phase][:, 1] >= MIN_HEIGHT, 0]
        for time in wanted if len(times) else ():
            nearest = times[np.abs(times - time).argmin()] - time
            off += [nearest] if abs(nearest) < NEAR else []
    return {
        "method": method.name + note,
        "phase": phase,
        "average precision, PB01": precision[0],
        "average precision, PB02": precision[-1],
        "pairs": len(off),
        "median s": float(np.median(off)) if off else None,
        "within 0.1 s": float(np.mean(np.abs(off) < 0.1)) if off else None,
    }


def _measured(rows: list[Row], reference: str) -> Measured:
    settings = {
        "data": f"CX.PB01 and CX.PB02, 2014-05-01, hours {HOURS[0]:g} to {HOURS[1]:g}: development",
        "reference": f"{reference}, probability of at least {SURE:g}",
        "null": f"the same picks {SHIFT_S:g} s later",
        "seeds": "none: nothing is trained",
        "peers": peers_note(),
    }
    return Measured(
        "The starting network, without training, times P and S as PhaseNet does on average.",
        settings,
        [Table("Picks beside those of PhaseNet", rows)],
        [
            f"{row['phase']}: {row['median s']:.3f} s in the median"
            for row in rows[:2]
            if row["median s"] is not None
        ],
    )
