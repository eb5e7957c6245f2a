"""Results folders as runs leave them, small and made up, for the page to show."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

START = np.datetime64("2016-03-21T07:37:10", "ns")
VERDICTS: list[dict[str, Any]] = [
    {
        "task": "denoise",
        "verdict": "works",
        "reason": "On hidden channels it explains more than the blind ridge filter, far more than chance.",
        "measure": "variance explained on hidden channels (fraction)",
        "skill": {"value": 0.6234, "low": 0.581, "high": 0.664},
        "baseline": {"name": "blind ridge filter", "value": 0.412, "low": 0.38, "high": 0.45},
        "null": {"name": "channels shifted in time", "value": -0.002, "low": -0.011, "high": 0.008},
    },
    {
        "task": "detect",
        "verdict": "no_gain",
        "reason": "It finds no more of the injected events than STA/LTA at the same number of false alarms.",
        "measure": "area under the ROC curve on hidden stations (fraction)",
        "skill": {"value": 0.81, "low": 0.7, "high": 0.9},
        "baseline": {"name": "STA/LTA", "value": 0.8, "low": 0.71, "high": 0.88},
        "null": {"name": "stations shifted in time", "value": 0.5, "low": 0.44, "high": 0.55},
    },
]
ACCOUNTING = {
    "findings": [
        {"kind": "gap", "unit": "CX.PB01..HHZ", "detail": "07:37:20 to 07:37:21", "count": 2},
        {"kind": "gap", "unit": "CX.PB02..HHZ", "detail": "07:37:30 to 07:37:31", "count": 1},
        {"kind": "dead", "unit": "channel 17", "detail": "constant", "count": 1},
        {"kind": "unreadable", "unit": "broken.mseed", "detail": "not a waveform file", "count": 1},
    ],
    "failed_units": ["broken.mseed"],
}


@dataclass
class ResultsFolder:
    """Writes the files of a results folder one by one, so that a test can leave any of them out."""

    path: Path

    def run(self, **changes: Any) -> None:
        recording = {
            "n_channels": 120, "n_samples": 6000, "sampling_rate": 100.0, "start": "2016-03-21T07:37:10Z",
            "end": "2016-03-21T07:38:10Z", "units": "strain/s", "geometry": "fibre", "valid_fraction": 0.972,
            "title": "An earthquake on a fibre",
        }  # fmt: skip
        run = {
            "command": "run", "selfseis": "0.1.0", "seed": 0, "started": "2026-01-05T10:00:00Z",
            "versions": {"python": "3.11.2", "numpy": "2.1.0"}, "machine": {"cpu": "2 cores"},
            "command_line": ["selfseis", "run", "my data.h5", "--out", "results"],
            "parameters": {"false_alarms_per_day": 1.0, "method": "network"},
            "wall_seconds": {"open": 1.23, "train": 61.5, "evaluate": 14.2, "denoise": 8.1, "detect": 11.9},
            "recording": recording, "quality_log": ACCOUNTING,
            "notes": ["Blind zone: 12 channels (12 m), measured from the noise."],
        }  # fmt: skip
        (self.path / "run.json").write_text(json.dumps(run | changes))

    def verdicts(self, verdicts: list[dict[str, Any]] | None = None) -> None:
        (self.path / "verdict.json").write_text(json.dumps(VERDICTS if verdicts is None else verdicts))

    def catalogue(self, n_events: int, prefix: str = "event", p_value: float | None = None) -> list[str]:
        names = [f"{prefix}{number:04d}" for number in range(n_events)]
        rng = np.random.default_rng(5)
        with (self.path / "catalogue.csv").open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(["event_id", "start", "end", "score", "p_value", "n_channels"])
            for number, name in enumerate(names):
                start = START + np.timedelta64(int(5e9 + 45e9 * number / max(1, n_events)), "ns")
                chance = 10 ** rng.uniform(-12, -2) if p_value is None else p_value
                end = start + np.timedelta64(2500, "ms")
                rows.writerow(
                    [name, f"{start}Z", f"{end}Z", round(2 - np.log10(chance), 3), chance, 80 + number]
                )
        return names

    def snippet(
        self,
        name: str,
        before: np.ndarray,
        after: np.ndarray | None = None,
        *,
        rate: float = 100.0,
        distance: np.ndarray | None = None,
        seed_id: list[str] | None = None,
        **attrs: str,
    ) -> None:
        channels = ("channel", "time")
        variables = {"before": (channels, before.astype(np.float32))}
        if after is not None:
            variables["after"] = (channels, after.astype(np.float32))
        time = START + (np.arange(before.shape[1]) * 1e9 / rate).astype("timedelta64[ns]")
        label = ("seed_id", seed_id) if seed_id is not None else ("distance", distance)
        coordinates = (
            {"time": time, label[0]: ("channel", label[1])} if label[1] is not None else {"time": time}
        )
        (self.path / "snippets").mkdir(exist_ok=True)
        dataset = xr.Dataset(variables, coordinates, attrs={"title": name, "units": "strain/s"} | attrs)
        dataset.to_netcdf(self.path / "snippets" / f"{name}.nc", engine="h5netcdf")

    def timeline(self, groups: tuple[str, ...] = ("fibre",), *, baseline: bool = True) -> None:
        rng = np.random.default_rng(3)
        n = 600
        time = START + (np.arange(n) * 1e8).astype("timedelta64[ns]")
        score = rng.gamma(2.0, 0.6, n)
        score[120:140] += 8
        score[200:230] = np.nan
        variables: dict[str, Any] = {"score": ("time", score)}
        if baseline:
            variables["baseline_score"] = ("time", rng.gamma(3.0, 1.0, n))
        coverage = np.ones((len(groups), 60))
        coverage[:, 20:23] = 0
        coverage[-1, 40:45] = 0.4
        variables["coverage"] = (("group", "bin"), coverage)
        bins = START + (np.arange(60) * 1e9).astype("timedelta64[ns]")
        attrs = {"threshold": 5.2, "score_name": "variance explained", "false_alarms_per_day": 1.0}
        dataset = xr.Dataset(variables, {"time": time, "group": list(groups), "bin": bins}, attrs)
        dataset.to_netcdf(self.path / "timeline.nc", engine="h5netcdf")


def arrivals(
    n_channels: int, n_samples: int, noise: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Strain rate of one local earthquake along a fibre, with noise and without."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(n_samples)[None, :] / 100
    along = np.arange(n_channels)[:, None] / n_channels
    clean = np.zeros((n_channels, n_samples))
    for onset, velocity, amplitude, pitch in ((0.2, 5.0, 1.2, 6.0), (0.38, 2.9, 3.0, 3.5)):
        moment = seconds - onset * n_samples / 100 - np.hypot(0.5, along - 0.35) * 5 / velocity
        coda = np.where(moment > 0, np.exp(-np.maximum(moment, 0) / 1.5), 0)
        clean += amplitude * coda * np.sin(2 * np.pi * pitch * moment)
    before = clean + noise * rng.standard_normal(clean.shape)
    before[17 * n_channels // 120] = np.nan
    before[:, int(0.7 * n_samples) : int(0.73 * n_samples)] = np.nan
    clean[np.isnan(before)] = np.nan
    return before * 1e-8, clean * 1e-8


@pytest.fixture
def results_folder(tmp_path: Path) -> ResultsFolder:
    """An empty results folder."""
    folder = tmp_path / "results"
    folder.mkdir()
    return ResultsFolder(folder)


@pytest.fixture
def fibre_run(results_folder: ResultsFolder) -> ResultsFolder:
    """A whole run on a fibre: 30 events, five of them with waveforms."""
    results_folder.run()
    results_folder.verdicts()
    names = results_folder.catalogue(30)
    before, after = arrivals(60, 900)
    results_folder.snippet("overview", before, after, distance=np.arange(60.0) * 2)
    for seed, name in enumerate(names[:5]):
        before, after = arrivals(30, 300, seed=seed)
        results_folder.snippet(
            name, before, after, distance=np.arange(30.0) * 4, event_start="2016-03-21T07:37:10.6Z"
        )
    results_folder.timeline()
    return results_folder
