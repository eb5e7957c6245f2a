"""Claim: the same recipe, unchanged, trains at 20, 40 and 100 Hz; at 500 Hz see the mine.

The archive of PB01 and PB02 is resampled. S - P is stated, since at another rate these are the same earthquakes, which
the default, made in samples, would not know. The training is a fraction of the full one, at every rate the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.picking_data import QUICK_FRACTION, archive, components_of, decimated, fitted, hours_of
from benchmarks.picking_methods import Method, Onsets, all_methods, peer, peers_note
from benchmarks.picking_scores import average_precision, matched, spread
from selfseis.catalogue.records import PHASES
from selfseis.recording import sampling_rate

REFERENCE, REFERENCE_HZ = "pnsn_rnn_01", 100.0
SURE = 0.3
WITHIN = 0.5  # s
RATES = (20.0, 40.0, 100.0)  # Hz
EFFORT = 0.2
S_MINUS_P = (0.3, 13.0)  # s
TRAINING, SCORED = (0.0, 3.0), (6.0, 9.0)  # hours


def run(quick: bool) -> Iterator[Measured]:
    reference = peer(REFERENCE)
    if reference is None:
        note = f"NOT MEASURED: no {REFERENCE}.pt among the peers ({peers_note()})"
        yield Measured("The recipe trains at every sampling rate.", {}, [], [note])
        return
    scored = hours_of(archive(), (6.0, 7.0) if quick else SCORED)
    truth = {code: reference.onsets(data, REFERENCE_HZ, SURE) for code, data in components_of(scored).items()}
    rows: list[Row] = []
    for rate in RATES[:1] if quick else RATES:
        training = hours_of(archive(), (0.0, 1.0) if quick else TRAINING)
        training, heard = (
            part if rate == REFERENCE_HZ else decimated(part, rate) for part in (training, scored)
        )
        training_fraction = QUICK_FRACTION if quick else EFFORT
        picker = fitted(f"pb-{rate:g}hz", training, training_fraction=training_fraction, s_minus_p=S_MINUS_P)
        stations = components_of(heard)
        for method in all_methods(picker, next(iter(components_of(training).values()))):
            if method.kind != "peer" or method.name == REFERENCE:
                found = {code: method.onsets(data, sampling_rate(heard)) for code, data in stations.items()}
                rows.append(_scored(method, rate, found, truth))
                progress(f"{rate:g} Hz, {method.name}: {rows[-1]}")
        yield _measured(rows)


def _scored(method: Method, rate: float, found: dict[str, Onsets], truth: dict[str, Onsets]) -> Row:
    row: Row = {"rate Hz": rate, "method": method.name}
    for phase in PHASES:
        times = {code: onsets[phase][:, 0] for code, onsets in truth.items()}
        row[f"{phase} average precision"] = [
            round(average_precision(found[code][phase], times[code], WITHIN), 3) for code in times
        ]
        row[f"{phase} median |residual| s"] = [
            spread(matched(found[code][phase], times[code], WITHIN)[1]) for code in times
        ]
    return row


def _measured(rows: list[Row]) -> Measured:
    settings = {
        "trained on": f"CX.PB01 and CX.PB02, hours {TRAINING[0]:g} to {TRAINING[1]:g}",
        "scored on": f"hours {SCORED[0]:g} to {SCORED[1]:g}",
        "s_minus_p_s": list(S_MINUS_P),
        "training_fraction": EFFORT,
        "reference": f"{REFERENCE} at {REFERENCE_HZ:g} Hz, probability above {SURE:g}",
        "tolerance_s": WITHIN,
        "peers": "the reference itself on data resampled up to its rate",
    }
    issues = []
    for rate in dict.fromkeys(row["rate Hz"] for row in rows):
        mine, simple = (
            next(row for row in rows if row["rate Hz"] == rate and row["method"].startswith(name))
            for name in ("selfseis", "STA/LTA")
        )
        column = "P average precision"
        state = "better than" if min(mine[column]) > max(simple[column]) else "NOT better than"
        issues.append(f"{rate:g} Hz: {column} {mine[column]}, {state} STA/LTA + AIC {simple[column]}")
    claim = "The recipe trains at every sampling rate."
    return Measured(claim, settings, [Table("PB01 / PB02 at other sampling rates", rows)], issues)
