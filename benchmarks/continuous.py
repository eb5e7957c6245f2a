"""Claim: on continuous recordings with known onsets the picker finds as many as supervised ones at equal false alarms.

Labelled Californian events (evaluate only) are put into real noise of other places as a source would send them. Heights
of picks are comparable within one method only; so each is held to the height at which it raises as many false alarms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.common import Measured, Row, Table, poisson_interval, progress
from benchmarks.continuous_events import FAINTEST, KnownOnset, Spans, inject, slots, templates
from benchmarks.continuous_network import event_scores
from benchmarks.continuous_noise import Noise, all_noise, event_free
from benchmarks.picking_data import components_of, labelled_windows
from benchmarks.picking_methods import (
    LOWEST,
    Components,
    Method,
    Onsets,
    ours,
    peers,
    peers_note,
    sta_lta_aic,
)
from benchmarks.picking_scores import SECONDS_A_DAY, inside, matched, spread, threshold_at
from selfseis.catalogue.records import PHASES, Phase
from selfseis.pick.picker import Picker
from selfseis.recording import sampling_rate, start_time

RATES = (1.0, 10.0, 100.0)  # false alarms per station-day
COUNTED = (
    1.0  # false alarms that a record must be long enough for, so that a rate is counted and not extrapolated
)
WITHIN = 0.5  # s
SNR_BINS = ((2.0, 5.0), (5.0, 10.0), (10.0, np.inf))
SEED = 5

Found = dict[str, Onsets]  # of each station


@dataclass(frozen=True, eq=False)
class Trial:
    """A recording with known onsets.

    Attributes
    ----------
    noise : Noise
        What they were put into.
    rate : float
        Hz.
    spans : list of (float, float)
        Seconds without real events.
    known : list of KnownOnset
        What is to be found.
    """

    noise: Noise
    rate: float
    spans: Spans
    known: list[KnownOnset]

    @property
    def seconds(self) -> float:
        """Time without real events."""
        return sum(last - first for first, last in self.spans)

    @property
    def station_days(self) -> float:
        """Time without real events at all stations."""
        return len(self.noise.source.places_km) * self.seconds / SECONDS_A_DAY

    @property
    def counted_rate(self) -> float:
        """The lowest of the rates that can be counted in so much time."""
        return next((rate for rate in RATES if rate * self.station_days >= COUNTED), RATES[-1])

    def truth(self, code: str, phase: Phase) -> np.ndarray:
        """Return the times of the onsets at a station in s."""
        return np.array([o.p_s if phase == "P" else o.s_s for o in self.known if o.station == code])


def run(quick: bool) -> Iterator[Measured]:
    picks: list[Row] = []
    events: list[Row] = []
    nominal: list[Row] = []
    for noise in all_noise(quick):
        picker = noise.picker()
        methods = [ours(picker), sta_lta_aic(), *peers()]
        rate, stations = sampling_rate(noise.scored), components_of(noise.scored)
        quiet = {method.name: _found(method, stations, rate) for method in methods}
        spans = event_free(methods, quiet, noise.scored.sizes["time"] / rate)
        waveforms = templates(labelled_windows(), rate, noise.rows)
        injected, known = inject(stations, rate, spans, noise.source, waveforms, SEED)
        trial = Trial(noise, rate, spans, known)
        progress(f"{noise.name}: {len(slots(spans))} events in {trial.seconds / 3600:.1f} quiet hours")
        nominal += _nominal(picker, trial)
        for method in methods:
            found = _found(method, injected, rate)
            picks += _picks(method, trial, quiet[method.name], found)
            if noise.coincide_s:
                events.append(_events(method, trial, quiet[method.name], found))
            progress(f"{noise.name}, {method.name}: {picks[-2]}")
            yield _measured(picks, events, nominal)


def _found(method: Method, stations: dict[str, Components], rate: float) -> Found:
    return {code: method.onsets(components, rate) for code, components in stations.items()}


def _picks(method: Method, trial: Trial, quiet: Found, found: Found) -> list[Row]:
    """Score P and S at the heights of equal false alarms."""
    rows = []
    for phase in PHASES:
        row: Row = {
            "recording": trial.noise.name,
            "method": method.name,
            "phase": phase,
            "station-days": trial.station_days,
            "counted rate": trial.counted_rate,
        }
        alarms = [inside(onsets[phase], trial.spans)[:, 1] for onsets in quiet.values()]
        for rate in RATES:
            bar = threshold_at(rate, alarms, trial.seconds, LOWEST)
            row[f"recall at {rate:g} a day"] = _scored(trial, phase, found, bar)["recall"]
        bar = threshold_at(trial.counted_rate, alarms, trial.seconds, LOWEST)
        row |= {key: value for key, value in _scored(trial, phase, found, bar).items() if key != "recall"}
        rows.append(row)
    return rows


def _scored(trial: Trial, phase: Phase, found: Found, bar: float) -> Row:
    hits, residuals, snr, n_false = [], [], [], 0
    for code, onsets in found.items():
        picks = onsets[phase][onsets[phase][:, 1] >= bar]
        truth = trial.truth(code, phase)
        hit, residual = matched(picks, truth, WITHIN)
        hits += list(np.isfinite(residual))
        residuals += list(residual)
        snr += [onset.snr for onset in trial.known if onset.station == code]
        n_false += len(inside(picks[~hit], trial.spans))
    found_there, ratio = np.array(hits), np.array(snr)
    loud = ratio >= FAINTEST
    row: Row = {"recall": float(found_there[loud].mean()), "onsets": int(loud.sum())}
    for low, high in SNR_BINS:
        chosen = (ratio >= low) & (ratio < high)
        row[f"at SNR {low:g} to {high:g}"] = float(found_there[chosen].mean()) if chosen.any() else ""
    n_true = int(found_there.sum())
    row["precision"] = n_true / (n_true + n_false) if n_true + n_false else ""
    return row | {"median |residual| s": spread(np.array(residuals)), "bar": bar}


def _events(method: Method, trial: Trial, quiet: Found, found: Found) -> Row:
    """Score events by P at two stations or more, at equal false events a day."""
    limit = trial.noise.coincide_s
    false = inside(event_scores({code: onsets["P"] for code, onsets in quiet.items()}, limit), trial.spans)
    first_p = np.array(
        [
            min(o.p_s for o in trial.known if o.event == event)
            for event in sorted({o.event for o in trial.known})
        ]
    )
    scores = event_scores({code: onsets["P"] for code, onsets in found.items()}, limit)
    row: Row = {"recording": trial.noise.name, "method": method.name, "events": len(first_p)}
    for rate in RATES:
        bar = threshold_at(rate, [false[:, 1]], trial.seconds, LOWEST)
        picked = scores[scores[:, 1] >= bar, 0]
        near = np.abs(picked[:, None] - first_p) < limit if len(picked) else np.zeros((1, len(first_p)), bool)
        row[f"recall at {rate:g} a day"] = float(near.any(axis=0).mean())
    return row


def _nominal(picker: Picker, trial: Trial) -> list[Row]:
    """Count the false alarms that the picker raises at its own threshold, in the record as it is."""
    recording = trial.noise.scored
    start = start_time(recording)
    picks = picker.pick(recording)
    expected = picker.false_alarms_per_day * trial.station_days
    low, high = poisson_interval(expected)
    rows = []
    for phase in PHASES:
        times = [
            float((pick.time - start) / np.timedelta64(1, "ns")) / 1e9
            for pick in picks
            if pick.phase == phase
        ]
        count = len(inside(np.array([[time, 1.0] for time in times]).reshape(-1, 2), trial.spans))
        rows.append(
            {
                "recording": trial.noise.name,
                "phase": phase,
                "station-days": trial.station_days,
                "nominal a day": picker.false_alarms_per_day,
                "expected": expected,
                "interval": [low, high],
                "found": count,
                "within": low <= count <= high,
                "bar": picker.threshold_[phase],
                "extrapolated": picker.threshold_is_extrapolated_,
            }
        )
    return rows


def _measured(picks: list[Row], events: list[Row], nominal: list[Row]) -> Measured:
    settings = {
        "trained on": "the first half of each recording; events are put into hours of the second half",
        "events": "NCEDC windows with an analyst's picks (evaluate only), scaled down, S - P by distance",
        "without real events": "no onset that two networks made independently share, 5 s before to 40 s after it",
        "false alarms": "every pick there in the record as it is; rates below the counted one are extrapolated",
        "recall": f"of onsets of SNR {FAINTEST:g} and more, within {WITHIN:g} s; precision among the injected events",
        "seed": SEED,
        "peers": peers_note(),
        "seen by a peer": "the events come from the training data in the repository of PhaseNet",
    }
    claim = (
        "Known onsets in real continuous noise are found at least as often as by the best supervised model."
    )
    tables = [
        Table(
            "Picks at equal false alarms a station-day (SNR, precision and residual at the counted rate)",
            picks,
        ),
        Table("Events: P at two stations or more, at equal false events a day", events),
        Table("False alarms of the picker at its own threshold", nominal),
    ]
    return Measured(claim, settings, [table for table in tables if table.rows], _findings(picks, nominal))


def _findings(picks: list[Row], nominal: list[Row]) -> list[str]:
    issues = []
    if not peers():
        issues.append(
            "NO PEERS: no other network tells real events apart, so they count as false alarms here"
        )
    for recording, phase in dict.fromkeys((row["recording"], row["phase"]) for row in picks):
        rows = [row for row in picks if (row["recording"], row["phase"]) == (recording, phase)]
        for rate in dict.fromkeys((RATES[0], rows[0]["counted rate"])):
            issues += _compared(rows[0], rows[1:], rate)
    return sorted(issues) + [_false_alarms(phase, nominal) for phase in PHASES]


def _compared(mine: Row, others: list[Row], rate: float) -> list[str]:
    if not others:
        return []
    column = f"recall at {rate:g} a day"
    best = max(others, key=lambda row: row[column])
    state = "reached" if mine[column] >= best[column] else "MISSED"
    how = "" if rate >= mine["counted rate"] else " (extrapolated for all)"
    return [
        f"{state}: {mine['recording']}, {mine['phase']}: recall {mine[column]:.2f} at {rate:g} false alarms a "
        f"station-day{how}, best other {best['method']} {best[column]:.2f}"
    ]


def _false_alarms(phase: Phase, nominal: list[Row]) -> str:
    """Compare the false alarms of all recordings together with what was asked for."""
    rows = [row for row in nominal if row["phase"] == phase]
    found, expected = sum(row["found"] for row in rows), sum(row["expected"] for row in rows)
    low, high = poisson_interval(expected)
    state = "reached" if low <= found <= high else "MISSED"
    return (
        f"{state}: {phase}, all recordings: {found} false alarms at the picker's own threshold, {expected:.1f} "
        f"expected ({low} to {high})"
    )
