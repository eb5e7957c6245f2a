"""Claim: on real recordings events are found where an analyst found them, and every file gets a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import xarray as xr

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.fibre_noise import data_folder, forge_recording
from selfseis import samples
from selfseis.catalogue.records import Event
from selfseis.denoise import Denoiser
from selfseis.denoise.training_data import is_line
from selfseis.detect import Detector
from selfseis.detect.baseline import baseline_scanner
from selfseis.detect.options import ThresholdOptions
from selfseis.errors import InputError
from selfseis.recording import open_recording, sample_times, sampling_rate, station_codes
from selfseis.recording.coverage import stretches
from selfseis.validation.false_alarms import peaks

APART = ThresholdOptions().apart
PER_DAY = 1.0
AROUND = np.timedelta64(100, "ms")  # by which a pick may lie outside an event's interval

Open = Callable[[], xr.DataArray]


def run(quick: bool) -> Iterator[Measured]:
    opened: dict[str, Open] = {
        "PoroTomo earthquake": samples.porotomo_earthquake,
        "Piton de la Fournaise, a day": samples.piton_day,
        "mine geophones, five windows": samples.mine_recording,
    }
    if quick:
        del opened["Piton de la Fournaise, a day"]
    else:
        opened |= _shared_recordings()
    rows, mine = [], []
    for name, open_it in opened.items():
        row, detector = _examined(name, open_it)
        rows.append(row)
        progress(f"{name}: {row['events']} events, denoise {row['denoise']}, detect {row['detect']}")
        if name.startswith("mine") and detector is not None:
            mine = _against_analyst(samples.mine_recording(), detector, samples.mine_manual_picks())
    settings = {
        "false_alarms_per_day": PER_DAY,
        "seed": 0,
        "denoiser": "network on lines, ridge elsewhere and where the network does not surely predict more",
        "pick_tolerance_s": 0.1,
        "baseline": "STA/LTA at the threshold of its own surrogates at the same nominal rate, declustered",
    }
    claim = "The analyst's five mine events are found; every real recording is opened, denoised, searched, judged."
    tables = [Table("Real recordings", rows), Table("The mine's events against the analyst's P picks", mine)]
    yield Measured(claim, settings, tables, _findings(rows, mine))


def _shared_recordings() -> dict[str, Open]:
    """List the DAS files and station folders beside the checkout; the FORGE file does not tell its rate."""
    folder = data_folder()
    opened: dict[str, Open] = {}
    for path in sorted((folder / "das").iterdir()):
        forge = path.name == "forge_eq68.mat"
        opened[f"das/{path.name}"] = forge_recording if forge else lambda p=path: open_recording(str(p))  # type: ignore[misc]
    for name in ("stations/cx_pb/archive", "stations/iceland_vt"):
        opened[name] = lambda p=folder / name: open_recording(str(p))  # type: ignore[misc]
    return opened


def _examined(name: str, open_it: Open) -> tuple[Row, Detector | None]:
    began = time.perf_counter()
    row: Row = {"recording": name}
    try:
        recording = open_it()
    except InputError as error:
        return row | {"events": "", "denoise": "not opened", "detect": "not opened", "why": str(error)}, None
    covered = sum(last - first for first, last in stretches(recording))
    row |= {
        "channels": recording.sizes["channel"],
        "rate Hz": sampling_rate(recording),
        "seconds with data": covered / sampling_rate(recording),
    }
    detector: Detector | None = None
    try:
        denoiser, tried = _denoiser(recording)
        row |= {"denoise": denoiser.verdict_.outcome, "denoised by": tried, "skill": _skill(denoiser)}
        detector = Detector(false_alarms_per_day=PER_DAY, denoiser=denoiser).fit(recording)
        row |= {
            "detect": detector.verdict_.outcome,
            "events": len(detector.events_),
            "by STA/LTA": len(_baseline_times(detector, recording)),
            "why": detector.verdict_.reason,
        }
    except InputError as error:
        row = {"events": "", "denoise": "refused", "detect": "refused", "why": str(error)} | row
    return row | {"run time s": round(time.perf_counter() - began, 1)}, detector


def _denoiser(recording: xr.DataArray) -> tuple[Denoiser, str]:
    """Try the network on a line and keep the closed form unless it works, as ``selfseis run`` does."""
    if is_line(recording):
        network = Denoiser("network").fit(recording)
        if network.net_ is None or network.verdict_.outcome == "works":
            return network, "network"
    return Denoiser("ridge").fit(recording), "ridge"


def _skill(denoiser: Denoiser) -> float | str:
    return "" if denoiser.verdict_.skill is None else round(denoiser.verdict_.skill.value, 3)


def _baseline_times(detector: Detector, recording: xr.DataArray) -> np.ndarray:
    """Return when STA/LTA triggers."""
    ours = detector.scanner_
    scanner = baseline_scanner(ours, detector.options.baseline)
    _, scan, null = scanner.fit_scan(recording, n_surrogates=4, seed=0, threshold=ThresholdOptions())
    threshold = null.false_alarm_rate.threshold(PER_DAY)
    high = [i for i in peaks(scan.score, APART) if scan.score[i] >= threshold]
    return np.asarray(sample_times(recording, scan.first[high]))


def _against_analyst(recording: xr.DataArray, detector: Detector, picks: pd.DataFrame) -> list[Row]:
    """Hold the detected intervals against the manual P picks, event by event."""
    triggers = _baseline_times(detector, recording)
    rows = []
    for number, of_event in picks[picks["phase"] == "P"].groupby("event"):
        times = of_event["time"].to_numpy("datetime64[ns]")
        inside = np.zeros(len(times), bool)
        touching: list[Event] = []
        for event in detector.events_:
            here = (times >= event.start - AROUND) & (times <= event.end + AROUND)
            if here.any():
                inside |= here
                touching.append(event)
        near = (triggers >= times.min() - AROUND * 5) & (triggers <= times.max() + AROUND * 50)
        rows.append(
            {
                "event": int(number),  # type: ignore[call-overload]
                "found": bool(touching),
                "P picks": len(times),
                "picks within": int(inside.sum()),
                "start after first P s": _seconds(touching[0].start - times.min()) if touching else "",
                "stations": len(np.unique(station_codes(recording))),
                "found by STA/LTA": bool(near.any()),
            }
        )
    return rows


def _seconds(span: np.timedelta64) -> float:
    return round(float(span / np.timedelta64(1, "ms")) / 1000, 3)


def _findings(rows: list[Row], mine: list[Row]) -> list[str]:
    failed = [row["recording"] for row in rows if row["detect"] in ("refused", "not opened")]
    issues = [f"NOT PROCESSED: {name}" for name in failed]
    if mine:
        issues.append(
            f"Mine: {sum(row['found'] for row in mine)} of {len(mine)} analyst's events found, "
            f"{sum(row['picks within'] for row in mine)} of {sum(row['P picks'] for row in mine)} manual P picks "
            f"within their intervals; STA/LTA finds {sum(row['found by STA/LTA'] for row in mine)}."
        )
    for row in rows:
        if row["recording"].startswith("PoroTomo"):
            kept = row["denoise"] == row["detect"] == "works"
            issues.append(
                f"{'reached' if kept else 'MISSED'}: 'works' on the fibre earthquake "
                f"(denoise {row['denoise']}, detect {row['detect']})"
            )
    return issues
