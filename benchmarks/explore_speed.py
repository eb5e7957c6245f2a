"""Claim: a day of one channel is scattered faster than by scatseisnet; a month of three components fits into 2 GB."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.explore_planted import scatseisnet_python
from benchmarks.explore_planting import day_of
from selfseis.explore.options import ScatteringOptions, WindowOptions
from selfseis.explore.scattering import Scattering
from selfseis.explore.windows import Grid, sites_of, stream_windows
from selfseis.recording import lazy_recording, sampling_rate

MONTH_DAYS, QUICK_DAYS = 30, 1
MONTH_RATE = 100.0
ASKED_GB = 2.0
SEGMENT = 1024  # samples of a window in the comparison of speed
REPEATS = 3
PEER, AS_MANY = "scatseisnet", "selfseis, at least as many coefficients"
PEER_FIRST, PEER_SECOND = 28, 280  # coefficients: 7 octaves by 4, and 5 octaves by 2 of each


def run(quick: bool) -> Iterator[Measured]:
    speed = _speed()
    yield _measured(speed, [])
    days = QUICK_DAYS if quick else MONTH_DAYS
    yield _measured(speed, [_month(days)])


class AsMany(Scattering):
    """At least as many coefficients as scatseisnet: the same first bands, three second bands an octave.

    scatseisnet takes ten second bands of every first one; those that are faster than the first one's own width are
    empty, and left out here: finer ones make up for their number.
    """

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Centres of the first-order bands in cycles a sample, falling."""
        return self.options.max_centre * 2.0 ** (-np.arange(PEER_FIRST) / self.options.bands_per_octave)

    @cached_property
    def modulations(self) -> NDArray[np.float64]:
        """Centres of the second-order bands in cycles a sample, falling."""
        n_octaves = len(super().modulations)
        return self.options.max_centre / 2 * 2.0 ** (-np.arange(3 * n_octaves) / 3)


def _speed() -> list[Row]:
    recording = day_of("GR.FUR").load()  # reading is not what is compared
    grid = Grid(sampling_rate(recording), SEGMENT)
    options = ScatteringOptions()
    rows = [
        _scattered(recording, grid, "selfseis, as it explores", Scattering(SEGMENT, options)),
        _scattered(recording, grid, AS_MANY, AsMany(SEGMENT, options)),
    ]
    python = scatseisnet_python()
    if python:
        rows.append(_scattered_by_peer(recording, grid, python))
    progress(f"{rows}")
    return rows


@torch.no_grad()
def _scattered(recording: xr.DataArray, grid: Grid, method: str, scattering: Scattering) -> Row:
    seconds, options = [], WindowOptions()
    for _ in range(REPEATS):
        began = time.perf_counter()
        for batch in stream_windows(recording, sites_of(recording, options), grid, options):
            scattering(torch.from_numpy(np.ascontiguousarray(batch.samples)))
        seconds.append(time.perf_counter() - began)
    return _row(method, len(scattering.centres), len(scattering.second), min(seconds))


def _scattered_by_peer(recording: xr.DataArray, grid: Grid, python: str) -> Row:
    script = str(Path(__file__).with_name("explore_scatseisnet.py"))
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/in.npy", np.nan_to_num(recording.values[0]))
        command = [python, "-W", "ignore", script, f"{folder}/in.npy", str(grid.rate), str(SEGMENT), "0"]
        for _ in range(REPEATS):
            subprocess.run([*command, f"{folder}/out.npz", "speed"], check=True, capture_output=True)
            with np.load(f"{folder}/out.npz") as out:
                seconds.append(float(out["seconds"]))
    return _row(PEER, PEER_FIRST, PEER_SECOND, min(seconds))


def _row(method: str, n_first: int, n_second: int, seconds: float) -> Row:
    return {
        "method": method,
        "first order": n_first,
        "second order": n_second,
        "seconds": seconds,
        "hours": 24.0,
    }


def _month(days: int) -> Row:
    """Explore a simulated month in a process of its own, and return its time and its peak memory."""
    began = time.perf_counter()
    code = f"from benchmarks.explore_speed import explore_month; explore_month({days})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    gigabytes, n_windows, megabytes = done.stdout.split()[-3:]
    return {
        "days": days,
        "components": 3,
        "rate": MONTH_RATE,
        "windows": int(n_windows),
        "peak memory, GB": float(gigabytes),
        "page, MB": float(megabytes),
        "seconds": time.perf_counter() - began,
    }


def explore_month(days: int) -> None:
    """Explore noise with a burst now and then, made when it is read; print memory, windows, size of the page."""
    from selfseis import workflow

    with tempfile.TemporaryDirectory() as folder:
        outcome = workflow.explore(simulated_month(days), Path(folder) / "out")
        n_windows = len((outcome.report.parent / "segments.csv").read_text().splitlines()) - 1
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(peak, n_windows, outcome.report.stat().st_size / 1e6)


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
    issues = []
    by = {row["method"]: row["seconds"] for row in speed}
    if PEER in by:
        slower = "" if by[AS_MANY] <= by[PEER] else "MISSES: "
        issues.append(f"{slower}a day at 20 Hz in {by[AS_MANY]:.1f} s, {PEER} {by[PEER]:.1f} s.")
    for row in memory:
        more = "" if row["peak memory, GB"] < ASKED_GB else "MISSES: "
        issues.append(f"{more}{row['days']} days of three components in {row['peak memory, GB']:.2f} GB.")
    return Measured(
        "A day of one channel is scattered faster than by scatseisnet, and a month of three components fits into 2 GB.",
        {
            "window": SEGMENT,
            "threads": 1,
            "repeats": REPEATS,
            "month": "simulated noise with bursts, made when read; the whole job, with files and page",
            "what differs": "selfseis: windows with half a window of their neighbours on either side, bands at no more "
            "samples than they need, single precision, mean; scatseisnet: all bands at the full rate, double "
            "precision, median. Neither time holds reading files",
        },
        [
            Table("A day of one channel at 20 Hz, one thread", speed),
            *([Table("A long record", memory)] if memory else []),
        ],
        issues,
    )
