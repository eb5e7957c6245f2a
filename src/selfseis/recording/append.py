"""Continuation of result files when their recording has grown: the samples that stay valid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from selfseis.errors import InputError
from selfseis.recording.coverage import segments_until
from selfseis.recording.netcdf_zarr import GROWTH_ATTRIBUTES, growth_of, open_own
from selfseis.recording.time_axis import grid_of
from selfseis.typing import Float32Array

GROWING = (".nc", ".zarr")  # miniSEED cannot store the fingerprint
MADE_OF, N_FINAL = GROWTH_ATTRIBUTES
_BLOCK_VALUES = 16_000_000  # values in memory at a time: 64 MB


def growth_mark(like: xr.DataArray, fingerprint: str, n_final: int) -> dict[str, Any]:
    """Return attributes with the number of final samples and a checksum of their origin.

    Parameters
    ----------
    like : xarray.DataArray
        Recording with the channels and times of the file.
    fingerprint : str
        Other inputs of the samples.
    n_final : int
        Number of samples from the start that later data cannot change.
    """
    grid = grid_of(like)
    key = "distance" if "distance" in like.coords else "seed_id"
    predicted = like.coords["predicted"].values.tolist() if "predicted" in like.coords else None
    about = [fingerprint, int(grid.at(0)), grid.sampling_rate, like[key].values.tolist(), predicted, n_final]
    digest = hashlib.sha256(json.dumps(about).encode())
    digest.update(np.ascontiguousarray(segments_until(like, n_final)).tobytes())
    return {MADE_OF: digest.hexdigest(), N_FINAL: n_final}


def reusable_part(path: Path, like: xr.DataArray, fingerprint: str) -> xr.DataArray | None:
    """Return the reusable part of an existing file after its recording has grown; None if there is none.

    Parameters
    ----------
    path : Path
        A file that `RecordingWriter` wrote; it need not exist.
    like, fingerprint
        As for `growth_mark`.
    """
    if path.suffix not in GROWING or not path.exists():
        return None
    stored = growth_of(path)
    n_final = int(stored.get(N_FINAL, 0))
    if not 0 < n_final <= like.sizes["time"] or stored != growth_mark(like, fingerprint, n_final):
        return None
    try:
        return open_own(path).isel(time=slice(0, n_final))
    except InputError:
        return None


def blocks_of(part: xr.DataArray) -> Iterator[tuple[int, Float32Array]]:
    """Read a recording in blocks of bounded size, as first sample and samples."""
    step = max(1, _BLOCK_VALUES // max(1, part.sizes["channel"]))
    for first in range(0, part.sizes["time"], step):
        yield first, part.variable.isel(time=slice(first, first + step)).values
