"""Claim: trained on 75 s of a mine's geophones at 500 Hz without a label, the picker finds the analyst's P picks.

The analyst picked one event a window. Other events of the same windows, which all stations record within milliseconds
of each other, were not picked: a method that finds them has more than one P a trace, and is not wrong. So recall is
given for all picks that a user would get, beside how many these are and how many of them other stations share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from benchmarks.common import Measured, Row, Table, binomial_interval, progress
from benchmarks.picking_data import QUICK_FRACTION, components_of, fitted
from benchmarks.picking_methods import (
    Components,
    Method,
    Onsets,
    ours,
    peers,
    peers_note,
    sta_lta_aic,
    untrained,
)
from benchmarks.picking_scores import spread
from selfseis import samples
from selfseis.catalogue.records import PHASES
from selfseis.pick.picker import Picker
from selfseis.recording import sampling_rate, start_time

WITHIN = 0.02  # s
PICKS_A_TRACE = 2  # P picks that each method may make at a station in a window of 15 s
PROBABLE = 0.4  # probability from which the picker's picks are made into events
SHARED_WITHIN, SHARED_BY = 0.15, 6  # s, by which P of an event differ at most, and stations
TARGET = 0.9
AS_IF_HZ = 100.0  # rate at which peers are told that the samples come


def run(quick: bool) -> Iterator[Measured]:
    picker = mine_picker(quick)
    mine = replace(
        ours(picker), bar={phase: picker.calibration_.height_of(phase, PROBABLE) for phase in PHASES}
    )
    windows, manual = samples.mine_geophones(), samples.mine_manual_picks()
    first = components_of(windows[0])
    methods = [
        mine,
        untrained(picker, next(iter(first.values()))),
        sta_lta_aic(),
        *peers(),
        *(_as_if(method) for method in peers()),
    ]
    rows: list[Row] = []
    for method in methods:
        rows.append(_scored(method, windows, manual))
        progress(f"{method.name}: {rows[-1]}")
        yield _measured(rows, len(manual))


def mine_picker(quick: bool) -> Picker:
    """Return the picker trained on the five windows, without their labels."""
    share = QUICK_FRACTION if quick else 1.0
    return fitted("mine", samples.mine_recording(), training_fraction=share)


def _as_if(method: Method) -> Method:
    """Tell a peer that the samples come at the rate that it knows, five times slower than they do."""
    return Method(
        f"{method.name}, samples as if at {AS_IF_HZ:g} Hz",
        method.kind,
        lambda components, rate: method.probabilities(components, AS_IF_HZ),
    )


def _scored(method: Method, windows: list[xr.DataArray], manual: pd.DataFrame) -> Row:
    """Compare each manual pick with the highest picks of its station in its window."""
    best: dict[str, list[float]] = {phase: [] for phase in PHASES}
    first: dict[str, list[float]] = {phase: [] for phase in PHASES}
    sure: dict[str, list[float]] = {phase: [] for phase in PHASES}
    n_sure, n_shared, n_traces = 0, 0, 0
    for number, window in enumerate(windows):
        of_window = manual[manual["event"] == number]
        found = _found(method, components_of(window), sampling_rate(window))
        certain = [onsets["P"][onsets["P"][:, 1] >= method.bar["P"], 0] for onsets in found.values()]
        n_sure += sum(len(times) for times in certain)
        n_shared += _n_shared(certain)
        n_traces += len(found)
        for pick in of_window.itertuples():
            at = float((np.datetime64(pick.time) - start_time(window)) / np.timedelta64(1, "ns")) / 1e9
            onsets = found[str(pick.seed_id).rpartition(".")[0]][pick.phase]  # type: ignore[index]
            highest = onsets[np.argsort(-onsets[:, 1], kind="stable")][:PICKS_A_TRACE, 0] - at
            best[str(pick.phase)].append(min(highest, key=abs, default=np.nan))
            first[str(pick.phase)].append(highest[0] if len(highest) else np.nan)
            high = onsets[onsets[:, 1] >= method.bar[pick.phase], 0] - at  # type: ignore[index]
            sure[str(pick.phase)].append(min(high, key=abs, default=np.nan))
    row: Row = {"method": method.name}
    for phase in PHASES:
        row |= _recall(phase, *(np.array(values[phase]) for values in (sure, first, best)))
    return row | {
        "P picks a station and window at its own bar": n_sure / n_traces,
        f"share of them that {SHARED_BY} stations have": n_shared / max(n_sure, 1),
    }


def _n_shared(certain: list[np.ndarray]) -> int:
    """Count the picks that have a like at enough stations, their own among them."""
    return sum(
        sum(bool((np.abs(times - at) <= SHARED_WITHIN).any()) for times in certain) >= SHARED_BY
        for at in np.concatenate(certain)
    )


def _found(method: Method, stations: dict[str, Components], rate: float) -> dict[str, Onsets]:
    return {code: method.onsets(components, rate) for code, components in stations.items()}


def _recall(phase: str, sure: np.ndarray, highest: np.ndarray, best: np.ndarray) -> Row:
    near_sure, near_first, near_best = (np.abs(values) <= WITHIN for values in (sure, highest, best))
    return {
        f"{phase} manual": len(best),
        f"{phase} recall at its own bar": float(near_sure.mean()),
        f"{phase} 95%": list(binomial_interval(int(near_sure.sum()), len(best))),
        f"{phase} recall of the highest pick": float(near_first.mean()),
        f"{phase} recall of the highest {PICKS_A_TRACE}": float(near_best.mean()),
        f"{phase} median |residual| s": spread(sure[near_sure]),
    }


def _measured(rows: list[Row], n_manual: int) -> Measured:
    settings = {
        "trained on": "the five windows of 15 s at 12 stations themselves, no labels",
        "manual picks": n_manual,
        "tolerance_s": WITHIN,
        "own bar": f"probability {PROBABLE:g} of the picker, 0.3 of its peers and untrained, STA/LTA 4 (S: 2)",
        "shared": f"a P within {SHARED_WITHIN:g} s at {SHARED_BY} of 12 stations or more",
        "peers": f"{peers_note()}; resampled to their rate, and with the samples as if at it",
    }
    claim = f"Of the analyst's P picks at least {TARGET:g} are found within {WITHIN:g} s."
    recall = rows[0]["P recall at its own bar"]
    finding = f"{'reached' if recall >= TARGET else 'MISSED'}: P recall {recall:.2f}, target {TARGET:g}"
    return Measured(claim, settings, [Table("Mine geophones against the analyst", rows)], [finding])
