"""Compression of the arrays of ``atlas.npz``: a page holds a month of windows."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfseis.typing import ByteArray, Float32Array

Arrays = Mapping[str, NDArray[Any]]

MAX_WITH_NEIGHBOURS = 200_000  # windows; larger pages omit the nearest neighbours
NO_DATA = -32768
UNCHANGED = {
    "station": "int16",
    "class": "int16",
    "leaf": "int16",
    "novelty": "float32",
    "level_db": "float32",
    "linkage": "float32",
    "leaf_size": "int32",
    "leaf_class": "int16",
    "frequency_hz": "float32",
    "leaf_spectrum_db": "float32",
    "background_db": "float32",
    "example_window": "int32",
    "example_class": "int16",
    "example_leaf": "int16",
    "example_kind": "int8",
    "spectrogram_hz": "float32",
    "spectrogram_s": "float32",
    "gap_station": "int16",
}
TIMES = {"start_ns": "start", "gap_start_ns": "gap_start", "gap_end_ns": "gap_end"}


def atlas_payload(arrays: Arrays) -> dict[str, Any]:
    """Return the data that the scripts of an atlas draw, ready for JSON.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``atlas.npz``.

    Returns
    -------
    dict
        Arrays as ``{"type", "shape", "data"}``, with data compressed and in base64; times in s since 1970, UTC.

    Raises
    ------
    KeyError
        If an array is missing.
    """
    packed = {name: packed_array(arrays[name].astype(kind)) for name, kind in UNCHANGED.items()}
    packed |= {shown: packed_array(arrays[name].astype(np.float64) / 1e9) for name, shown in TIMES.items()}
    waveform, peak = _as_integers(arrays["example_waveform"])
    spectrogram, decibels = _as_bytes(arrays["example_spectrogram"])
    packed |= {
        "map": packed_array(_spread(arrays["map"])),
        "example_waveform": packed_array(waveform),
        "example_peak": packed_array(peak),
        "example_spectrogram": packed_array(spectrogram),
        "example_db": packed_array(decibels),
    }
    if len(arrays["station"]) <= MAX_WITH_NEIGHBOURS:
        packed["neighbours"] = packed_array(arrays["neighbours"].astype(np.int32))
    return {
        "arrays": packed,
        "stations": [str(name) for name in arrays["station_names"]],
        "components": [[str(name) for name in row] for row in arrays["example_component"]],
        "cut": float(arrays["cut"]),
        "exampleSeconds": float(arrays["example_seconds"]),
    }


def packed_array(values: NDArray[Any]) -> dict[str, Any]:
    """Return the type, the shape and the compressed bytes of an array."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    data = base64.b64encode(zlib.compress(little.tobytes(), 6)).decode("ascii")
    return {"type": values.dtype.name, "shape": list(values.shape), "data": data}


def _as_integers(waveform: NDArray[Any]) -> tuple[NDArray[np.int16], Float32Array]:
    """Scale each component of each example to its peak."""
    seen = np.isfinite(waveform)
    filled = np.where(seen, waveform, 0)
    peak = np.abs(filled).max(axis=-1, initial=0)
    scaled = np.rint(32767 * filled / np.where(peak > 0, peak, 1)[..., None])
    return np.where(seen, scaled, NO_DATA).astype(np.int16), peak.astype(np.float32)


def _as_bytes(spectrogram: NDArray[Any]) -> tuple[ByteArray, Float32Array]:
    """Scale each spectrogram between its own faintest tenth and its strongest part."""
    ends = np.zeros((len(spectrogram), 2), np.float32)
    scaled = np.zeros(spectrogram.shape, np.uint8)
    for number, shown in enumerate(spectrogram):
        known = shown[np.isfinite(shown)]
        if len(known):
            low, high = np.percentile(known, [10, 99.8])
            share = np.clip((shown - low) / max(high - low, 1e-6), 0, 1)
            scaled[number], ends[number] = np.rint(255 * np.nan_to_num(share)), (low, high)
    return scaled, ends


def _spread(points: NDArray[Any]) -> NDArray[np.uint16]:
    """Return places on the map between its robust ends, 0 to 65,535."""
    plane = np.zeros((len(points), 2))
    plane[:, : min(2, points.shape[1])] = np.nan_to_num(points[:, :2])
    low, high = np.percentile(plane, [0.2, 99.8], axis=0) if len(plane) else (np.zeros(2), np.ones(2))
    return np.rint(65535 * np.clip((plane - low) / np.maximum(high - low, 1e-12), 0, 1)).astype(np.uint16)
