"""Claim: gaps, clipping and flipped components cost a picker little; swapped and lost components cost it much.

The archive of PB01 and PB02 is damaged after the picker was trained on it, and picked as it is and damaged. Nobody
labels it: picks of the undamaged record are the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.picking_data import archive, archive_picker, hours_of
from selfseis.catalogue.records import PHASES
from selfseis.pick.picker import Picker
from selfseis.recording import recording_from_array, sampling_rate
from selfseis.recording.components import stations_of

MIN_PROBABILITY = 0.5
WITHIN = 0.2  # s
SCORED = (6.0, 9.0)  # hours
CLIP = 20.0  # median absolute deviations

Samples = NDArray[np.float32]
Times = dict[tuple[str, str], NDArray[np.float64]]  # of each station and phase, s after the first sample


def run(quick: bool) -> Iterator[Measured]:
    picker = archive_picker(quick)
    recording = hours_of(archive(), (6.0, 6.5) if quick else SCORED).load()
    whole = _picked(picker, recording, recording.values)
    rows: list[Row] = []
    for name, damage in DAMAGES.items():
        damaged = _picked(picker, recording, damage(recording.values.copy()))
        rows.append({"damage": name} | _compared(whole, damaged))
        progress(str(rows[-1]))
        yield _measured(rows)


def _flipped(data: Samples) -> Samples:
    return -data


def _vertical_flipped(data: Samples) -> Samples:
    data[2::3] *= -1
    return data


def _in_order(*order: int) -> Callable[[Samples], Samples]:
    """Return what puts the components of each station into another order."""

    def damage(data: Samples) -> Samples:
        return data.reshape(-1, 3, data.shape[1])[:, order].reshape(data.shape)

    return damage


def _only(*kept: int) -> Callable[[Samples], Samples]:
    """Return what takes all but some components of each station away."""

    def damage(data: Samples) -> Samples:
        components = data.reshape(-1, 3, data.shape[1])
        components[:, [row for row in range(3) if row not in kept]] = np.nan
        return data

    return damage


def _clipped(data: Samples) -> Samples:
    centred = data - np.median(data, axis=1, keepdims=True)
    most = CLIP * np.median(np.abs(centred), axis=1, keepdims=True)
    return np.clip(centred, -most, most)


def _interrupted(every: int, lost: int) -> Callable[[Samples], Samples]:
    """Return what takes some samples of every so many away."""

    def damage(data: Samples) -> Samples:
        data[:, np.arange(data.shape[1]) % every < lost] = np.nan
        return data

    return damage


DAMAGES: dict[str, Callable[[Samples], Samples]] = {
    "all components flipped": _flipped,
    "vertical flipped": _vertical_flipped,
    "east and north swapped": _in_order(1, 0, 2),
    "vertical and north swapped": _in_order(0, 2, 1),
    "vertical only": _only(2),
    "horizontals only": _only(0, 1),
    "one horizontal only": _only(0),
    f"clipped at {CLIP:g} median absolute deviations": _clipped,
    "one sample lost every 10 s": _interrupted(1000, 1),
    "3 s lost every minute": _interrupted(6000, 300),
}


def _picked(picker: Picker, recording: xr.DataArray, data: Samples) -> Times:
    start, names = recording["time"].values[0], [str(name) for name in recording["seed_id"].values]
    damaged = recording_from_array(data, sampling_rate(recording), start, seed_id=names)
    picks = picker.pick(damaged, min_probability=MIN_PROBABILITY)
    return {
        (station.code, phase): np.array(
            [
                (pick.time - start) / np.timedelta64(1, "s")
                for pick in picks
                if (pick.station, pick.phase) == (station.code, phase)
            ],
            float,
        )
        for station in stations_of(recording)
        for phase in PHASES
    }


def _compared(whole: Times, damaged: Times) -> Row:
    row: Row = {}
    for phase in PHASES:
        places = [place for place in whole if place[1] == phase]
        before, after = (sum(len(times[place]) for place in places) for times in (whole, damaged))
        kept = sum(int(_near(whole[place], damaged[place]).sum()) for place in places)
        new = sum(int((~_near(damaged[place], whole[place])).sum()) for place in places)
        row |= {
            f"{phase} undamaged": before,
            f"{phase} kept": kept / before if before else "",
            f"{phase} new": new / after if after else "",
        }
    return row


def _near(times: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (np.abs(times[:, None] - others) < WITHIN).any(axis=1)


def _measured(rows: list[Row]) -> Measured:
    settings = {
        "trained on": "CX.PB01 and CX.PB02, hours 0 to 6, undamaged",
        "picked": f"hours {SCORED[0]:g} to {SCORED[1]:g}, probability of at least {MIN_PROBABILITY:g}",
        "kept": f"share of the picks of the undamaged record that are within {WITHIN:g} s of one of the damaged",
        "new": "share of the picks of the damaged record that are not",
    }
    issues = [
        f"{row['damage']}: {row['P kept']:.0%} of P and {row['S kept']:.0%} of S kept; "
        f"{row['P new']:.0%} and {row['S new']:.0%} of what is picked are new"
        for row in rows
        if "" not in row.values()
    ]
    claim = "Gaps, clipping and flipped components cost a picker little; swapped and lost components cost it much."
    return Measured(claim, settings, [Table("Picks of damaged records", rows)], issues)
