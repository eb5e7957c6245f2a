"""Claim: a 10 GB recording is learned from, denoised and searched in less than 2 GB of resident memory."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.common import ROOT, Measured, Row, Table
from selfseis.catalogue.records import Event
from selfseis.denoise import Denoiser
from selfseis.detect import Detector
from selfseis.recording import RecordingWriter
from selfseis.simulate import SimulatedEvent, simulate_noise_recording, simulate_recording_with_events

CHANNELS = 500
RATE = 100.0  # Hz
SEED = 1
EVENTS = 4
SNR_DB = 0.0
PER_DAY = 24.0  # false alarms; a lower rate would take more surrogates, and more time, but no more memory
LIMIT_GB = 2.0
ROOM_NEEDED = 1.5  # bytes free on the disk per byte of the recording, below which nothing is written
TILE_VALUES = 4_000_000


def run(quick: bool) -> Iterator[Measured]:
    gigabytes = 1.0 if quick else 10.0
    # A process of its own: the peak of this one may lie in an earlier benchmark.
    command = [sys.executable, "-m", "benchmarks.memory", str(gigabytes)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout
    stages = json.loads(output)
    peak = max(row["peak resident GB"] for row in stages)
    settings = {
        "channels": CHANNELS,
        "sampling_rate_hz": RATE,
        "gigabytes": gigabytes,
        "events": EVENTS,
        "snr_db": SNR_DB,
        "false_alarms_per_day": PER_DAY,
        "seed": SEED,
        "method": "ridge",
        "null": "the share of the time that generating the data alone takes is the first row",
    }
    kept = "kept" if peak < LIMIT_GB else "BROKEN"
    finding = f"{kept}: peak {peak:.2f} GB of resident memory for a recording of {gigabytes:g} GB (limit {LIMIT_GB:g})"
    claim = f"A recording of 10 GB is learned from, denoised and searched in less than {LIMIT_GB:g} GB."
    yield Measured(
        claim, settings, [Table("Stages, the peak of each including those before", stages)], [finding]
    )


def measure(gigabytes: float) -> list[Row]:
    """Run the stages in this process and say how long each took and what the peak was after it."""
    hours = gigabytes * 1e9 / 4 / CHANNELS / RATE / 3600
    noise = simulate_noise_recording("gauge", "fibre", hours, RATE, CHANNELS, SEED, channel_spacing=2.0)
    recording, truth = simulate_recording_with_events(noise, SNR_DB, EVENTS, SEED)
    stages = [_stage("generate, which the other stages do too", lambda: _generate(recording))]
    denoiser = Denoiser("ridge", seed=SEED)
    stages.append(_stage("train", lambda: str(denoiser.fit(recording).verdict_.outcome)))
    stages.append(_stage("denoise", lambda: _denoise(denoiser, recording)))
    detector = Detector(false_alarms_per_day=PER_DAY, denoiser=denoiser, seed=SEED)
    stages.append(_stage("search", lambda: _found(detector.fit_detect(recording), truth)))
    return stages


def _stage(name: str, do) -> Row:  # type: ignore[no-untyped-def]
    began = time.perf_counter()
    said = do()
    seconds = round(time.perf_counter() - began, 1)
    return {"stage": name, "seconds": seconds, "peak resident GB": round(_peak_gb(), 3), "result": said}


def _peak_gb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def _generate(recording: xr.DataArray) -> str:
    core = TILE_VALUES // CHANNELS
    part = min(recording.sizes["time"], 40 * core)
    for first in range(0, part, core):
        recording.isel(time=slice(first, min(first + core, part))).to_numpy()
    return f"{part / recording.sizes['time']:.0%} of it"


def _denoise(denoiser: Denoiser, recording: xr.DataArray) -> str:
    """Denoise to Zarr where the disk has room, and to nothing where not."""
    clean = denoiser.transform(recording)
    core = TILE_VALUES // CHANNELS
    starts = range(0, recording.sizes["time"], core)
    with tempfile.TemporaryDirectory() as folder:
        if shutil.disk_usage(folder).free < ROOM_NEEDED * 4 * recording.size:
            for first in starts:
                clean.variable.isel(time=slice(first, first + core)).to_numpy()
            return "written nowhere: too little room on the disk"
        path = Path(folder) / "clean.zarr"
        with RecordingWriter(path, like=recording) as writer:
            for first in starts:
                writer.write(first, clean.variable.isel(time=slice(first, first + core)).to_numpy())
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return f"{size / 1e9:.2f} GB of Zarr written"


def _found(events: list[Event], truth: list[SimulatedEvent]) -> str:
    found = sum(any(e.start <= true.end and e.end >= true.start for e in events) for true in truth)
    false = sum(not any(e.start <= true.end and e.end >= true.start for true in truth) for e in events)
    return f"{found} of {len(truth)} events found, {false} false"


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    json.dump(measure(float(sys.argv[1])), sys.stdout, default=lambda v: np.asarray(v).item())
