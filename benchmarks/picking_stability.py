"""Claim: a pick hardly depends on where its window starts: its height varies a quarter as much as PhaseNet's.

Each recording is cut at 50 times that differ by fractions of a second, and the probability of P within 2 s of a listed
P is compared. Recordings whose P no method finds (mean height below 0.2) count for none.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.picking_data import labelled_windows
from benchmarks.picking_methods import Components, Method, ours, peers, peers_note, untrained
from benchmarks.picking_regional import regional_recordings
from selfseis.pick.options import InferenceOptions, PickerOptions
from selfseis.pick.picker import Picker
from selfseis.recording import recording_from_array

N_SHIFTS, STEP = 50, 7  # shifts, and samples from one to the next
MAX_CUT_S = 10.0
WITHIN = 2.0  # s
MIN_HEIGHT = 0.2
QUICK_EVERY = 10
MAX_RATIO = 0.25
REFERENCE = "phasenet"

Recordings = list[tuple[Components, float]]  # components, and a listed P in s


def run(quick: bool) -> Iterator[Measured]:
    every, shifts = (QUICK_EVERY, 8) if quick else (1, N_SHIFTS)
    rows: dict[str, list[Row]] = {}
    for name, recordings, rate in (("ARCES", *_arces(every)), ("NCEDC", *_ncedc(every))):
        rows[name] = []
        for method in _methods(recordings, rate):
            heights = np.array([_heights(method, *known, rate, shifts) for known in recordings])
            rows[name].append(_scored(method, heights))
            progress(f"{name}: {rows[name][-1]}")
            yield _measured(rows, shifts)


def _arces(every: int) -> tuple[Recordings, float]:
    data = regional_recordings(every)
    listed = [float(times[0]) if len(times) else np.nan for times in data.listed["P"]]
    return [
        (components, p)
        for components, p in zip(data.components, listed, strict=True)
        if p > MAX_CUT_S and np.isfinite(components).all()
    ], data.rate


def _ncedc(every: int) -> tuple[Recordings, float]:
    windows = [window for window in labelled_windows() if window.p > 1500][::every]
    return [(window.components, window.p / 100.0) for window in windows], 100.0


def _methods(recordings: Recordings, rate: float) -> Iterator[Method]:
    first = recordings[0][0]
    picker = _calibrated(first, rate, PickerOptions())
    yield ours(picker, "starting network")
    once = PickerOptions(inference=InferenceOptions(reductions=(1,)))
    yield ours(_calibrated(first, rate, once), "starting network, at the full rate only")
    yield untrained(picker, np.asarray(first, np.float32))
    yield from peers(averaged=True)


def _calibrated(components: Components, rate: float, options: PickerOptions) -> Picker:
    names = [f"ZZ.STA..BH{code}" for code in "ENZ"]
    start = np.datetime64("2031-01-01T00:00:00", "ns")
    recording = recording_from_array(np.asarray(components, np.float32), rate, start, seed_id=names)
    return Picker(options=options).calibrate(recording)


def _heights(
    method: Method, components: Components, p: float, rate: float, shifts: int
) -> NDArray[np.float64]:
    """Return the largest probability near a listed P for each start of the data."""
    found = []
    for shift in range(shifts):
        first = (shift * STEP) % int(MAX_CUT_S * rate)
        probability = method.probabilities(np.ascontiguousarray(components[:, first:]), rate)[0]
        near = slice(round((p - WITHIN) * rate) - first, round((p + WITHIN) * rate) - first)
        found.append(float(np.max(probability[near])))
    return np.array(found)


def _scored(method: Method, heights: NDArray[np.float64]) -> Row:
    seen = heights.mean(axis=1) >= MIN_HEIGHT
    spread = heights[seen].std(axis=1)
    rng = np.random.default_rng(0)
    drawn = rng.choice(spread, (1000, len(spread))).mean(axis=1) if len(spread) else np.array([np.nan])
    return {
        "method": method.name,
        "recordings": len(heights),
        "with a P found": int(seen.sum()),
        "mean height": float(heights[seen].mean()) if seen.any() else None,
        "standard deviation": float(spread.mean()) if seen.any() else None,
        "standard deviation 95%": np.quantile(drawn, (0.025, 0.975)).tolist() if seen.any() else None,
    }


def _measured(rows: dict[str, list[Row]], shifts: int) -> Measured:
    settings = {
        "shifts": f"{shifts} starts, {STEP} samples apart",
        "height": f"largest probability within {WITHIN:g} s of a listed P",
        "with a P found": f"recordings with a mean height of at least {MIN_HEIGHT:g}",
        "peers": f"{peers_note()}; windows that overlap by half, averaged as SeisBench does",
        "role of the data": "ARCES: development; NCEDC: evaluation only",
    }
    tables = [Table(f"Height of P under shifts, {name}", of_data) for name, of_data in rows.items()]
    return Measured(
        "A pick hardly depends on where its window starts: its height varies a quarter as much as PhaseNet's.",
        settings,
        tables,
        [finding for name, of_data in rows.items() for finding in _findings(name, of_data)],
    )


def _findings(name: str, rows: list[Row]) -> list[str]:
    ours_spread = rows[0]["standard deviation"]
    found = []
    for row in rows:
        if REFERENCE in row["method"] and row["standard deviation"] and ours_spread is not None:
            ratio = ours_spread / row["standard deviation"]
            state = "reached" if ratio <= MAX_RATIO else "MISSED"
            found.append(f"{state}: {name}: {ratio:.2f} of {row['method']}, at most {MAX_RATIO:g}")
    return found
