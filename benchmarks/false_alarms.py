"""Claim: on noise without events the detector raises as many false alarms as was asked for, and says *no gain*."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import xarray as xr

from benchmarks.common import Measured, Row, Table, poisson_interval, progress
from selfseis.detect import Detector
from selfseis.detect.baseline import baseline_scanner
from selfseis.detect.coincidence_scanner import CoincidenceScanner
from selfseis.detect.options import ThresholdOptions
from selfseis.detect.scan import Scanner
from selfseis.detect.stack_scanner import StackScanner
from selfseis.simulate import simulate_noise_recording
from selfseis.validation.false_alarms import peaks

APART = ThresholdOptions().apart
PER_DAY = 24.0
RATE = 25.0  # Hz
FIBRE_CHANNELS = 32
STATIONS = 8
OBSPY = "coincidence trigger of ObsPy"


@dataclass(frozen=True)
class Case:
    """A kind of noise on a kind of array.

    Attributes
    ----------
    geometry, kind : str
        As `simulate_noise_recording` takes them.
    within_claim : bool
        Whether the claim covers it.
    extra : dict
        Further arguments of the simulation.
    label : str
        Its name in the table.
    """

    geometry: Any
    kind: Any
    label: str
    within_claim: bool = True
    extra: tuple[tuple[str, Any], ...] = ()

    def recording(self, hours: float, seed: int) -> xr.DataArray:
        """Simulate it."""
        network = self.geometry == "network"
        return simulate_noise_recording(
            self.kind,
            self.geometry,
            hours,
            RATE,
            3 * STATIONS if network else FIBRE_CHANNELS,
            seed,
            components="ENZ" if network else "Z",
            **dict(self.extra),
        )


CASES = (
    *(Case("fibre", kind, kind) for kind in ("white", "gauge", "bursty", "common_mode", "ocean")),
    *(Case("network", kind, kind) for kind in ("white", "gauge", "bursty", "common_mode")),
    Case("network", "bursty", "bursts at all stations at once", False, (("burst_reach", ("all",)),)),
)


def run(quick: bool) -> Iterator[Measured]:
    hours, seeds = (10.0, (1,)) if quick else (30.0, (1, 2, 3))
    rows: dict[Case, list[Row]] = {case: [] for case in CASES}
    for seed, case in itertools.product(seeds, CASES):
        rows[case].append(_measure(case, hours, seed))
        progress(f"{case.geometry} {case.label} seed {seed}: {rows[case][-1]['found']} of {hours:g} expected")
        yield _measured(rows, hours, seed)


def _measured(rows: dict[Case, list[Row]], hours: float, seeds: int) -> Measured:
    runs = [row for of_case in rows.values() for row in of_case]
    pooled = [_pooled(case, of_case) for case, of_case in rows.items() if of_case]
    settings = {
        "false_alarms_per_day": PER_DAY,
        "hours": hours,
        "sampling_rate_hz": RATE,
        "fibre_channels": FIBRE_CHANNELS,
        "stations_of_three_components": STATIONS,
        "seeds": list(range(1, seeds + 1)),
        "baselines": "scored, declustered and given a threshold from their own surrogates in the same way",
    }
    claim = (
        f"On simulated noise the number of false alarms at a nominal {PER_DAY:g} a day lies within its 95% "
        "Poisson interval, and the verdict does not say 'works'."
    )
    tables = [Table("All seeds together", pooled), Table("Each run", runs)]
    return Measured(claim, settings, tables, _findings(runs, pooled))


def _measure(case: Case, hours: float, seed: int) -> Row:
    recording = case.recording(hours, seed)
    detector = Detector(false_alarms_per_day=PER_DAY, seed=seed).fit(recording)
    expected = PER_DAY * hours / 24
    low, high = poisson_interval(expected)
    found = len(detector.events_)
    row: Row = {
        "geometry": case.geometry,
        "noise": case.label,
        "seed": seed,
        "found": found,
        "expected": expected,
        "interval": [low, high],
        "within": low <= found <= high,
        "verdict": detector.verdict_.outcome,
        "refused": detector.verdict_.details.get("n_simultaneous_events", 0) > 0,
    }
    return row | {name: _alarms(scanner, recording, seed) for name, scanner in _baselines(detector).items()}


def _baselines(detector: Detector) -> dict[str, Scanner]:
    scanner = detector.scanner_
    if isinstance(scanner, CoincidenceScanner):
        return {OBSPY: baseline_scanner(scanner, detector.options.baseline)}
    return {
        "STA/LTA envelopes": StackScanner(scanner.conditioner, "envelopes", scanner.hop),
        "STA/LTA channels": StackScanner(scanner.conditioner, "channels", scanner.hop),
    }


def _alarms(scanner: Scanner, recording: xr.DataArray, seed: int) -> int:
    """Count a baseline's declustered alarms at the threshold that its own null gives."""
    _, scan, null = scanner.fit_scan(recording, n_surrogates=4, seed=seed, threshold=ThresholdOptions())
    threshold = null.false_alarm_rate.threshold(PER_DAY)
    return int((scan.score[peaks(scan.score, APART)] >= threshold).sum())


def _pooled(case: Case, rows: list[Row]) -> Row:
    found, expected = sum(row["found"] for row in rows), sum(row["expected"] for row in rows)
    low, high = poisson_interval(expected)
    baselines = [name for name in rows[0] if name.startswith("STA/LTA") or name == OBSPY]
    return {
        "geometry": case.geometry,
        "noise": case.label,
        "found": found,
        "expected": expected,
        "interval": [low, high],
        "within": low <= found <= high,
        "runs within": f"{sum(row['within'] for row in rows)} of {len(rows)}",
        "verdicts": ", ".join(row["verdict"] for row in rows),
        "refused as simultaneous": sum(row["refused"] for row in rows),
        "claimed": case.within_claim,
    } | {name: sum(row[name] for row in rows) for name in baselines}


def _findings(runs: list[Row], pooled: list[Row]) -> list[str]:
    claimed = [row for row in pooled if row["claimed"]]
    labels = {(row["geometry"], row["noise"]) for row in claimed}
    covered = [row for row in runs if (row["geometry"], row["noise"]) in labels]
    issues = [
        f"OUT OF ITS INTERVAL: {row['geometry']} {row['noise']}: {row['found']} of {row['expected']:g} expected, "
        f"interval {row['interval'][0]} to {row['interval'][1]}; verdicts {row['verdicts']}"
        + (
            ""
            if row["claimed"]
            else f" (expected; {row['refused as simultaneous']} runs refused as simultaneous)"
        )
        for row in pooled
        if not row["within"]
    ]
    wrong = [
        f"{row['geometry']} {row['noise']} seed {row['seed']}" for row in covered if row["verdict"] == "works"
    ]
    issues += [f"VERDICT WRONGLY 'works': {name}" for name in wrong]
    inside = sum(row["within"] for row in covered)
    issues.append(
        f"{inside} of {len(covered)} runs that the claim covers lie within their 95% interval "
        f"(about {0.05 * len(covered):.1f} would lie outside at random); "
        f"{sum(row['within'] for row in claimed)} of {len(claimed)} kinds do with their seeds together."
    )
    return issues
