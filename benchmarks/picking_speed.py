"""Claim: a station-day is annotated faster than by PhaseNet in SeisBench in the same run.

SeisBench runs in an environment of its own: SELFSEIS_SEISBENCH names its Python. Its PhaseNet is left with random
weights, which take as long as any; nothing is downloaded.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.picking_data import archive, archive_picker
from selfseis.pick.picker import Picker
from selfseis.recording import recording_from_array, sampling_rate, write_recording

RATE = 100.0
REPEATS = 3
PROGRAM = Path(__file__).with_name("seisbench_speed.py")


def run(quick: bool) -> Iterator[Measured]:
    hours = 1.0 if quick else 24.0
    recording = _station(hours)
    picker = archive_picker(quick)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "station.mseed"
        write_recording(recording, path)
        for threads in (1, 2):
            rows += [_ours(picker, recording, threads, hours), *_seisbench(path, threads, hours)]
            progress(str(rows[-1]))
            yield _measured(rows, hours)


def _station(hours: float) -> xr.DataArray:
    """Repeat the first station's record until it is long enough."""
    first = archive().isel(channel=slice(0, 3))
    data = np.tile(np.asarray(first.values, np.float32), (1, 1 + int(hours // 12)))[
        :, : round(hours * 3600 * RATE)
    ]
    names = [str(name) for name in first["seed_id"].values]
    return recording_from_array(data, sampling_rate(first), first["time"].values[0], seed_id=names)


def _ours(picker: Picker, recording: xr.DataArray, threads: int, hours: float) -> Row:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        picker.annotate(recording)
        seconds.append(time.perf_counter() - began)
    torch.set_num_threads(before)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return _row("selfseis Picker.annotate", threads, seconds, hours, peak)


def _seisbench(path: Path, threads: int, hours: float) -> list[Row]:
    python = os.environ.get("SELFSEIS_SEISBENCH")
    if not python:
        return []
    command = [python, "-W", "ignore", str(PROGRAM), str(path), str(threads), str(REPEATS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return []
    peak, *seconds = (float(word) for word in done.stdout.split()[-REPEATS - 1 :])
    return [_row("SeisBench PhaseNet.annotate", threads, seconds, hours, peak)]


def _row(method: str, threads: int, seconds: list[float], hours: float, peak_gb: float) -> Row:
    return {
        "method": method,
        "threads": threads,
        "least s": min(seconds),
        "median s": float(np.median(seconds)),
        "s for a station-day": float(np.median(seconds)) * 24 / hours,
        "peak memory GB": peak_gb,
    }


def _measured(rows: list[Row], hours: float) -> Measured:
    settings = {
        "data": f"a station of three components, {hours:g} h at {RATE:g} Hz, in memory; reading is not timed",
        "repeats": REPEATS,
        "seisbench": "SELFSEIS_SEISBENCH" if os.environ.get("SELFSEIS_SEISBENCH") else "left out: not named",
    }
    issues = []
    for threads in dict.fromkeys(row["threads"] for row in rows):
        of_threads = [row for row in rows if row["threads"] == threads]
        if len(of_threads) == 2:
            ratio = of_threads[1]["median s"] / of_threads[0]["median s"]
            state = "reached" if ratio > 1 else "MISSED"
            issues.append(f"{state}: {ratio:.2f} times as fast as SeisBench's PhaseNet on {threads} threads")
    claim = "A station-day is annotated faster than by PhaseNet in SeisBench in the same run."
    return Measured(
        claim, settings, [Table("Time to annotate", rows)], issues or ["NOT COMPARED: no SeisBench"]
    )
