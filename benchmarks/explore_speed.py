"""Claim: a day of one channel is scattered faster than by scatseisnet; a month of three components fits into 2 GB."""

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
import xarray as xr

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.explore_planting import day_of
from selfseis.explore.features import measure_windows
from selfseis.explore.scattering import Scattering
from selfseis.explore.windows import Grid, sites_of
from selfseis.recording import lazy_recording, sampling_rate

MONTH_DAYS, QUICK_DAYS = 30, 1
MONTH_RATE = 100.0
ASKED_GB = 2.0
SEGMENT = 1024  # samples of a window in the comparison of speed
REPEATS = 3


def run(quick: bool) -> Iterator[Measured]:
    speed = _speed()
    yield _measured(speed, [])
    days = QUICK_DAYS if quick else MONTH_DAYS
    yield _measured(speed, [_month(days)])


def _speed() -> list[Row]:
    recording = day_of("GR.FUR")
    np.asarray(recording.values)  # reading is not what is compared
    rows = []
    grid = Grid(sampling_rate(recording), SEGMENT)
    scattering = Scattering(SEGMENT)
    loaded = recording.load()
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        measure_windows(loaded, sites_of(loaded), grid)
        seconds.append(time.perf_counter() - began)
    coefficients = f"{len(scattering.centres)} + {len(scattering.second)}"
    rows.append({"method": "selfseis", "coefficients": coefficients, "seconds": min(seconds), "hours": 24.0})
    python = os.environ.get("SELFSEIS_SCATSEISNET")
    if python:
        with tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/in.npy", np.nan_to_num(loaded.values[0]))
            script = str(Path(__file__).with_name("explore_scatseisnet.py"))
            command = [python, "-W", "ignore", script, f"{folder}/in.npy", str(grid.rate), str(SEGMENT), "0"]
            subprocess.run([*command, f"{folder}/out.npz", "speed"], check=True, capture_output=True)
            with np.load(f"{folder}/out.npz") as out:
                rows.append(
                    {
                        "method": "scatseisnet",
                        "coefficients": "28 + 280",
                        "seconds": float(out["seconds"]),
                        "hours": 24.0,
                    }
                )
    progress(f"{rows}")
    return rows


def _month(days: int) -> Row:
    """Explore a simulated month in a process of its own, and return its time and its peak memory."""
    began = time.perf_counter()
    code = f"from benchmarks.explore_speed import explore_month; explore_month({days})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    gigabytes, n_windows = done.stdout.split()[-2:]
    return {
        "days": days,
        "components": 3,
        "rate": MONTH_RATE,
        "windows": int(n_windows),
        "peak memory, GB": float(gigabytes),
        "seconds": time.perf_counter() - began,
    }


def explore_month(days: int) -> None:
    """Explore noise with a burst now and then, made when it is read; print peak memory in GB and the windows."""
    from selfseis.explore import Explorer

    explorer = Explorer(representation="scattering").fit(simulated_month(days))
    assert explorer.explored_ is not None
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, len(explorer.explored_.labels))


def simulated_month(days: int) -> xr.DataArray:
    """Return three components whose samples are made when they are asked for, the same every time."""
    block = 1 << 16

    def read(channels: np.ndarray, first: int, last: int) -> np.ndarray:
        out = np.empty((len(channels), last - first), np.float32)
        for number in range(first // block, (last - 1) // block + 1):
            low, high = max(first, number * block), min(last, (number + 1) * block)
            for row, channel in enumerate(channels):
                rng = np.random.default_rng([int(channel), number])
                made = rng.standard_normal(block, dtype=np.float32)
                if number % 7 == 0:
                    made[20_000:21_000] *= 20
                out[row, low - first : high - first] = made[low - number * block : high - number * block]
        return out

    n_samples = int(days * 86400 * MONTH_RATE)
    names = ["XX.MON..HHE", "XX.MON..HHN", "XX.MON..HHZ"]
    return lazy_recording(read, 3, n_samples, MONTH_RATE, "2020-01-01", seed_id=names)


def _measured(speed: list[Row], memory: list[Row]) -> Measured:
    findings = []
    by = {row["method"]: row["seconds"] for row in speed}
    if "scatseisnet" in by:
        slower = "" if by["selfseis"] <= by["scatseisnet"] else "MISSES: "
        findings.append(
            f"{slower}a day at 20 Hz in {by['selfseis']:.1f} s, scatseisnet {by['scatseisnet']:.1f} s."
        )
    for row in memory:
        more = "" if row["peak memory, GB"] < ASKED_GB else "MISSES: "
        findings.append(f"{more}{row['days']} days of three components in {row['peak memory, GB']:.2f} GB.")
    return Measured(
        "A day of one channel is scattered faster than by scatseisnet, and a month of three components fits into 2 GB.",
        {
            "window": SEGMENT,
            "threads": 1,
            "repeats": REPEATS,
            "month": "simulated noise with bursts, made when read",
        },
        [
            Table("A day of one channel at 20 Hz, one thread", speed),
            *([Table("A long record", memory)] if memory else []),
        ],
        findings,
    )
