"""The folder of an exploration, small and made up: three classes over a day at two stations."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

N = 600  # windows, of 288 s
START = np.datetime64("2016-03-21T00:00:00", "ns").astype(np.int64)
ABOUT: dict[str, Any] = {
    "window_s": 288.0, "n_windows": N, "n_gap_windows": 7, "units": "m/s", "geometry": "network",
    "representation": "scattering",
    "choices": [{"setting": "groups of at least 1%", "n_classes": 3, "n_trusted": 2, "unassigned": 0.1, "kappa": 0.8}],
    "station_consensus": {"value": 0.6, "low": 0.5, "high": 0.7, "null": 0.1},
}  # fmt: skip


def atlas_arrays(seed: int = 0) -> dict[str, Any]:
    """Four leaves: two of class 0, one each of 1 and 2; the last windows have no class."""
    rng = np.random.default_rng(seed)
    leaf = np.repeat([0, 1, 2, 3, -1], [250, 150, 90, 50, 60]).astype(np.int16)
    rng.shuffle(leaf)
    leaf_class = np.array([0, 0, 1, 2], np.int16)
    size = np.bincount(leaf[leaf >= 0]).astype(np.int32)
    examples = np.concatenate([np.flatnonzero(leaf == k)[:6] for k in range(-1, 4)])
    waveform = rng.standard_normal((len(examples), 2, 64)).astype(np.float32)
    waveform[:, :, 10:14] = np.nan
    return {
        "station_names": np.array(["CX.PB01..HH?", "CX.PB02..HH?"]),
        "station": np.repeat([0, 1], N // 2).astype(np.int16),
        "start_ns": START + (np.arange(N) % (N // 2)) * 288_000_000_000,
        "class": np.where(leaf < 0, -1, leaf_class[leaf]).astype(np.int16),
        "leaf": leaf,
        "novelty": rng.random(N).astype(np.float32),
        "map": rng.standard_normal((N, 2)).astype(np.float32),
        "level_db": rng.standard_normal(N).astype(np.float32),
        "neighbours": ((np.arange(N)[:, None] + np.arange(1, 9)) % N).astype(np.int32),
        "linkage": np.array([[0, 1, 0.2, 400], [2, 3, 1.0, 140], [4, 5, 2.0, 540]]),
        "leaf_size": size,
        "leaf_class": leaf_class,
        "cut": np.array(0.6),
        "frequency_hz": np.geomspace(0.5, 32, 12).astype(np.float32),
        "leaf_spectrum_db": (np.sort(rng.normal(-120, 9, (4, 3, 12)), axis=1)).astype(np.float32),
        "background_db": np.full((2, 12), -130, np.float32),
        "example_window": examples.astype(np.int32),
        "example_class": np.where(leaf[examples] < 0, -1, leaf_class[leaf[examples]]).astype(np.int16),
        "example_leaf": leaf[examples],
        "example_kind": (np.arange(len(examples)) % 3).astype(np.int8),
        "example_waveform": waveform,
        "example_component": np.tile(np.array(["Z", "N"]), (len(examples), 1)),
        "example_seconds": np.array(288.0, np.float32),
        "spectrogram_hz": (np.arange(8) + 0.5).astype(np.float32),
        "spectrogram_s": (np.arange(8) * 36.0).astype(np.float32),
        "example_spectrogram": rng.normal(-120, 5, (len(examples), 8, 8)).astype(np.float32),
        "gap_station": np.array([1], np.int16),
        "gap_start_ns": np.array([START + 3600 * 10**9]),
        "gap_end_ns": np.array([START + 7200 * 10**9]),
    }  # fmt: skip


def write_exploration(folder: Path, arrays: dict[str, Any] | None = None) -> Path:
    """Write all files that an atlas is made from."""
    np.savez_compressed(folder / "atlas.npz", allow_pickle=False, **(arrays or atlas_arrays()))
    (folder / "explore.json").write_text(json.dumps(ABOUT))
    (folder / "verdict.json").write_text(
        json.dumps([{"task": "explore", "verdict": "works", "reason": "Two classes are found again."}])
    )
    with (folder / "classes.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["class", "name", "share", "stability", "stability_low", "stability_high", "trusted"])
        rows.writerows([[0, "", 0.67, 0.95, 0.9, 0.99, "true"], [1, "", 0.15, 0.8, 0.7, 0.9, "true"]])
        rows.writerows([[2, "", 0.08, 0.3, 0.1, 0.5, "false"], [-1, "", 0.1, "", "", "", ""]])
    (folder / "novelty.csv").write_text(
        "rank,window,seed_id,start,end,novelty,p_value,false_alarm_rate,class,nearest_window,nearest_distance\n"
        "1,7,CX.PB01..HH?,2016-03-21T00:33:36.000Z,2016-03-21T00:38:24.000Z,0.9,0.001,0.02,-1,8,0.3\n"
    )
    (folder / "multiplets.csv").write_text(
        "multiplet,window,seed_id,start,end,correlation,lag_s,template\n"
        "0,3,CX.PB01..HH?,2016-03-21T00:14:24.000Z,2016-03-21T00:19:12.000Z,1.0,0.0,true\n"
        "0,9,CX.PB01..HH?,2016-03-21T00:43:12.000Z,2016-03-21T00:48:00.000Z,0.87,0.1,false\n"
    )
    return folder
