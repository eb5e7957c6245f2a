"""Claim: 20 times the samples of jDAS a CPU second, 10,000 channels in real time, training within a CPU minute."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import torch
import xarray as xr

from benchmarks.common import ROOT, Measured, Row, Table, progress
from benchmarks.denoise_jobs import Line, jdas_is_named, run_jdas, run_ours
from benchmarks.denoise_kept import Outcome
from benchmarks.denoise_methods import AS_DOCUMENTED
from benchmarks.fibre_noise import Samples
from selfseis.denoise import Denoiser
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events

CHANNELS, SECONDS, RATE = 500, 60, 100.0  # Hz
BAND = (1.0, 40.0)
SPACING, GAUGE = 2.0, 16.0  # m
MANY_CHANNELS = 10_000
CORES = 2
EVENTS = (
    4  # of one alone a network may improve so little that it is not kept, and nothing of it would be timed
)
TRAINING, TIMES_JDAS, MAX_GB = 60.0, 20.0, 2.0  # aims
METHODS = ("ridge", "network")


def run(quick: bool) -> Iterator[Measured]:
    noisy = _recording(CHANNELS, SECONDS)[None]
    line = Line(RATE, SPACING, GAUGE, BAND)
    rows: list[Row] = []
    for method in METHODS:
        done = run_ours("speed", line, {"method": method}, noisy, {"scored": noisy})
        rows.append(_row(method, done))
        progress(str(rows[-1]))
    if jdas_is_named():
        options = AS_DOCUMENTED | {"cpu_seconds": [0.0]}
        rows.append(_row("jDAS pretrained", run_jdas("speed", line, options, noisy, {"scored": noisy})))
    yield _measured(rows, [])
    many = []
    for method in METHODS:
        many.append(_many(method, 10 if quick else SECONDS))
        progress(str(many[-1]))
    yield _measured(rows, many)


def many_channels(method: str, seconds: float) -> Row:
    """Learn on a part of a wide fibre, denoise all of it on all cores, and say how long it took."""
    noisy = _as_recording(_recording(CHANNELS, SECONDS))
    denoiser = Denoiser(method).fit(noisy)  # type: ignore[arg-type]
    wide = _as_recording(np.tile(noisy.values, (MANY_CHANNELS // CHANNELS, 1))[:, : round(seconds * RATE)])
    wide = wide.assign_coords(distance=("channel", SPACING * np.arange(MANY_CHANNELS)))
    clean = denoiser.transform(wide)
    cuts = np.linspace(0, wide.sizes["time"], CORES + 1).astype(int)
    began = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(CORES) as pool:  # it is computed when it is read
        list(pool.map(lambda part: clean.variable.isel(time=slice(*part)).values, pairwise(cuts)))
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    return {
        "method": method if denoiser.net_ is not None or method == "ridge" else f"{method}, not kept",
        "seconds of data": seconds,
        "wall s": wall,
        "CPU s": cpu,
        "times real time": seconds / wall,
        "peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def _many(method: str, seconds: float) -> Row:
    """Run `many_channels` in a process of its own, so that its memory is its own."""
    program = [sys.executable, "-m", "benchmarks.denoise_speed", method, str(seconds)]
    output = subprocess.run(program, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout
    return dict(json.loads(output))


def _recording(n_channels: int, seconds: float) -> Samples:
    noise = simulate_noise_recording(
        "gauge", "fibre", seconds / 3600, RATE, n_channels, seed=1, channel_spacing=SPACING
    )
    return np.asarray(simulate_recording_with_events(noise, 0.0, EVENTS, seed=1)[0].values, np.float32)


def _as_recording(noisy: Samples) -> xr.DataArray:
    from selfseis.recording import recording_from_array

    return recording_from_array(
        noisy,
        RATE,
        "2020-01-01T00:00:00",
        distance=SPACING * np.arange(len(noisy)),
        gauge_length=GAUGE,
        units="strain/s",
    )


def _row(method: str, done: Outcome) -> Row:
    return {
        "method": method,
        "training CPU s": round(done.cost["fit_cpu_s"], 1),
        "M samples/CPU s": done.rate / 1e6,
        "peak GB": done.cost["peak_gb"],
    }


def _measured(rows: list[Row], many: list[Row]) -> Measured:
    settings = {
        "trained_on": f"{CHANNELS} channels x {SECONDS} s at {RATE:g} Hz, simulated, {EVENTS} events in gauge noise",
        "threads": f"one for the rates a CPU second, {CORES} for {MANY_CHANNELS} channels",
        "left_out": "reading, starting and importing",
    }
    rates = {row["method"]: row["M samples/CPU s"] for row in rows}
    issues = []
    for method in METHODS:
        training = next(row["training CPU s"] for row in rows if row["method"] == method)
        issues.append(
            f"{_state(training <= TRAINING)}: {method}: trained in {training:.1f} CPU s (aim {TRAINING:g})"
        )
        if "jDAS pretrained" in rates:
            times = rates[method] / rates["jDAS pretrained"]
            issues.append(
                f"{_state(times >= TIMES_JDAS)}: {method}: {times:.1f} times jDAS (aim {TIMES_JDAS:g})"
            )
    for row in many:
        issues.append(
            f"{_state(row['times real time'] >= 1)}: {row['method']}: {MANY_CHANNELS} channels at {RATE:g} Hz in "
            f"{row['times real time']:.1f} times real time"
        )
        issues.append(
            f"{_state(row['peak GB'] <= MAX_GB)}: {row['method']}: {MANY_CHANNELS} channels in {row['peak GB']:.1f} "
            f"GB, what is read and written included (aim {MAX_GB:g})"
        )
    if "jDAS pretrained" not in rates:
        issues.append("NOT COMPARED: no jDAS")
    tables = [
        Table("A minute of 500 channels", rows),
        Table(f"{MANY_CHANNELS} channels on {CORES} cores", many),
    ]
    claim = "Denoising is 20 times as fast as jDAS, and real time for 10,000 channels at 100 Hz on two cores in 2 GB."
    return Measured(claim, settings, tables, sorted(issues, key=lambda text: not text.startswith("MISSED")))


def _state(reached: bool) -> str:
    return "reached" if reached else "MISSED"


if __name__ == "__main__":
    torch.set_num_threads(1)
    json.dump(many_channels(sys.argv[1], float(sys.argv[2])), sys.stdout)
