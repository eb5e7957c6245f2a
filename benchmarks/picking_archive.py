"""Claim: learnt on six hours without a label, the picker finds in the next six what a supervised one finds.

The reference is the supervised model pnsn rnn.01, one of the peers. It is no truth: what it misses counts as false.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.picking_data import (
    SCORED_HOURS,
    archive,
    archive_noise,
    archive_picker,
    components_of,
    hours_of,
)
from benchmarks.picking_methods import Components, Method, Onsets, all_methods, peer, peers_note
from benchmarks.picking_reinjection import Reinjection, reinjections
from benchmarks.picking_scores import average_precision, matched, spread
from selfseis.pick.picks import PHASES

RATE = 100.0
REFERENCE = "pnsn_rnn_01"
SURE = 0.3  # least probability of a reference pick
WITHIN = 0.5  # s
N_INJECTED = 300
TARGETS = {"P average precision": 0.85, "S average precision": 0.75, "recall of injected P": 0.85}

Stations = dict[str, Components]
Found = dict[str, Onsets]  # of each station


@dataclass(frozen=True)
class Task:
    """What is to be found.

    Attributes
    ----------
    stations : dict of str to ndarray
        Raw components of the hours that are scored.
    reference : dict of str to dict
        Reference picks of each station.
    injections : list of Reinjection
        Real events scaled down into quiet times.
    """

    stations: Stations
    reference: Found
    injections: list[Reinjection]


def run(quick: bool) -> Iterator[Measured]:
    reference = peer(REFERENCE)
    if reference is None:
        yield _measured([], [], f"left out: no {REFERENCE}.pt among the peers ({peers_note()})")
        return
    hours = (6.0, 8.0) if quick else SCORED_HOURS
    stations = components_of(hours_of(archive(), hours))
    found = {code: reference.onsets(components, RATE, 0.1) for code, components in stations.items()}
    task = Task(stations, found, reinjections(stations, found, RATE, 30 if quick else N_INJECTED, seed=1))
    rows: list[Row] = []
    details: list[Row] = []
    for method in all_methods(archive_picker(quick), archive_noise()):
        row, of_stations = _scored(method, task)
        rows.append(row)
        details += of_stations
        progress(f"{method.name}: {row}")
        yield _measured(rows, details, peers_note())


def _scored(method: Method, task: Task) -> tuple[Row, list[Row]]:
    found = {code: method.onsets(components, RATE) for code, components in task.stations.items()}
    row: Row = {"method": method.name}
    for phase in PHASES:
        row[f"{phase} average precision"] = [
            round(average_precision(found[code][phase], _sure(task.reference[code][phase]), WITHIN), 3)
            for code in found
        ]
    row |= _injected_recall(method, found, task)
    return row, [_detail(method, code, found[code], task.reference[code]) for code in found]


def _detail(method: Method, code: str, found: Onsets, reference: Onsets) -> Row:
    row: Row = {"method": method.name, "station": code}
    for phase in PHASES:
        truth = _sure(reference[phase])
        equal = _highest(found[phase], len(truth))
        hit, residual = matched(equal, truth, WITHIN)
        row |= {
            f"{phase} reference": len(truth),
            f"{phase} recall at as many picks": float(hit.sum() / max(len(truth), 1)),
            f"{phase} median |residual| s": spread(residual),
            f"{phase} least height": float(equal[:, 1].min()) if len(equal) else "",
        }
        sure = found[phase][found[phase][:, 1] >= method.bar[phase]]
        hit, _ = matched(sure, truth, WITHIN)
        row |= {
            f"{phase} picks at its own bar": len(sure),
            f"{phase} precision there": float(hit.mean()) if len(sure) else "",
            f"{phase} recall there": float(hit.sum() / max(len(truth), 1)),
        }
    return row


def _injected_recall(method: Method, found: Found, task: Task) -> Row:
    """Recall of injected P at the height at which a station has as many picks as the reference."""
    hits, snr = [], []
    for injection in task.injections:
        n_reference = len(_sure(task.reference[injection.station]["P"]))
        bar = _highest(found[injection.station]["P"], n_reference)[:, 1].min()
        segment = injection.segment(task.stations[injection.station])
        picks = method.onsets(segment, RATE)["P"]
        picks = picks[picks[:, 1] >= bar]
        hits.append(bool((np.abs(picks[:, 0] - injection.onset_s) < WITHIN).any()))
        snr.append(injection.snr)
    hit, ratio = np.array(hits), np.array(snr)
    row: Row = {"recall of injected P": float(hit.mean())}
    for low, high in ((0, 5), (5, 10), (10, np.inf)):
        inside = (ratio >= low) & (ratio < high)
        row[f"at SNR {low:g} to {high:g}"] = float(hit[inside].mean()) if inside.any() else ""
    return row


def _sure(onsets: NDArray[np.float64]) -> NDArray[np.float64]:
    return onsets[onsets[:, 1] > SURE, 0]


def _highest(onsets: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    return onsets[np.argsort(-onsets[:, 1], kind="stable")[:n]]


def _measured(rows: list[Row], details: list[Row], note: str) -> Measured:
    settings = {
        "learnt from": "CX.PB01 and CX.PB02, 2014-05-01, hours 0 to 6",
        "scored on": "hours 6 to 12",
        "reference": f"{REFERENCE} on raw data in windows that overlap by half, probability above {SURE:g}",
        "tolerance_s": WITHIN,
        "injected": "real events of hours 6 to 12 scaled down into quiet times, at as many picks as the reference has",
        "peers": note,
    }
    claim = "On the hours that it has not learnt from, the picker agrees with the supervised reference as its peers do."
    tables = [
        Table("PB01 / PB02 against the reference", rows),
        Table("At as many picks as the reference has", details),
    ]
    return Measured(claim, settings, [table for table in tables if table.rows], _findings(rows, note))


def _findings(rows: list[Row], note: str) -> list[str]:
    if not rows:
        return [f"NOT MEASURED: {note}"]
    findings = []
    for name, target in TARGETS.items():
        value = rows[0][name]
        least = min(value) if isinstance(value, list) else value
        state = "reached" if least >= target else "MISSED"
        findings.append(f"{state}: {name} {value}, target {target:g}")
    return sorted(findings)
