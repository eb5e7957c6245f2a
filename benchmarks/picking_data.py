"""Recordings, labels and fitted pickers that the picking benchmarks share."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from benchmarks.common import ROOT, SOURCE_DIGEST, progress
from benchmarks.fibre_noise import data_folder
from selfseis.pick.picker import Picker
from selfseis.recording import open_recording, recording_from_array, sampling_rate
from selfseis.recording.components import stations_of

Components = NDArray[np.float32]

TAUGHT_HOURS, SCORED_HOURS = (0.0, 6.0), (6.0, 12.0)  # of the archive of PB01 and PB02
QUICK_FRACTION = 0.03  # share of the full training that a quick run uses


@dataclass(frozen=True)
class LabelledWindow:
    """A window of 90 s at 100 Hz with an analyst's P and S: evaluate only.

    Attributes
    ----------
    name : str
        File.
    components : ndarray, shape (3, 9000)
        Raw east, north and vertical; zero where there is none.
    p, s : int
        Samples of the onsets.
    """

    name: str
    components: NDArray[np.float64]
    p: int
    s: int


@functools.cache
def labelled_windows() -> tuple[LabelledWindow, ...]:
    """Read the 154 windows of NCEDC. No training uses them, and no setting is chosen by their score."""
    windows = []
    for path in sorted((data_folder() / "stations" / "ncedc154").glob("*.npz")):
        with np.load(path) as content:
            data = content["data"][:9000].T.astype(np.float64)
            windows.append(LabelledWindow(path.stem, data, int(content["itp"]), int(content["its"])))
    return tuple(windows)


@functools.cache
def archive() -> xr.DataArray:
    """Open the twelve hours of PB01 and PB02."""
    return open_recording(str(data_folder() / "stations" / "cx_pb" / "archive"))


def hours_of(recording: xr.DataArray, hours: tuple[float, float]) -> xr.DataArray:
    """Return some hours after a recording's start."""
    first, last = (round(hour * 3600 * sampling_rate(recording)) for hour in hours)
    return recording.isel(time=slice(first, last))


def components_of(recording: xr.DataArray) -> dict[str, Components]:
    """Load raw east, north and vertical of each station; zero where there is no such component or no data."""
    data = np.asarray(recording.values, np.float32)
    centred = np.nan_to_num(data - np.nanmedian(data, axis=1)[:, None])
    return {station.code: station.components(centred) for station in stations_of(recording)}


def decimated(recording: xr.DataArray, rate: float) -> xr.DataArray:
    """Resample a recording without gaps to a lower rate."""
    from fractions import Fraction

    from scipy.signal import resample_poly

    ratio = Fraction(rate / sampling_rate(recording)).limit_denominator(1000)
    data = np.asarray(recording.values, np.float64)
    data = resample_poly(data - np.median(data, axis=1)[:, None], ratio.numerator, ratio.denominator, axis=1)
    return recording_from_array(
        data.astype(np.float32),
        rate,
        recording["time"].values[0],
        seed_id=[str(name) for name in recording["seed_id"].values],
    )


def fitted(
    key: str, recording: xr.DataArray, *, training_fraction: float = 1.0, **arguments: object
) -> Picker:
    """Train a picker, or load it if these sources have been used before.

    Parameters
    ----------
    key : str
        Name of the data and the settings.
    recording : xarray.DataArray
        What is trained on.
    training_fraction : float
        Steps of training as a share of the full training.
    arguments
        Of `Picker`.

    Notes
    -----
    Fitted pickers are kept in ``build/pickers``, by the digest of the sources, or in the folder that
    SELFSEIS_PICKERS names.
    """
    kept = Path(os.environ.get("SELFSEIS_PICKERS", ROOT / "build" / "pickers" / SOURCE_DIGEST[:12]))
    folder = kept / (key if training_fraction == 1.0 else f"{key}-{training_fraction:g}")
    if folder.exists():
        return Picker.load(folder)
    progress(f"learning {folder.name}")
    picker = Picker(training_fraction=training_fraction, **arguments).fit(recording)  # type: ignore[arg-type]
    folder.parent.mkdir(parents=True, exist_ok=True)
    picker.save(folder)
    return picker


def archive_picker(quick: bool, seed: int = 0) -> Picker:
    """Return the picker trained on the first six hours of PB01 and PB02."""
    recording = hours_of(archive(), (0.0, 1.0) if quick else TAUGHT_HOURS)
    key = f"pb{'-hour' if quick else ''}-seed{seed}"
    return fitted(key, recording, training_fraction=QUICK_FRACTION if quick else 1.0, seed=seed)


def archive_noise() -> Components:
    """Return the components of a station in the training hours, for an untrained network to see."""
    return next(iter(components_of(hours_of(archive(), (0.0, 1.0))).values()))
