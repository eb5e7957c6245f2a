"""Files that grow with the recording that they were made of: how much of one stays as it is when more was recorded."""

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

GROWING = (".nc", ".zarr")  # miniSEED has no place for what a file was made of
MADE_OF, SETTLED = GROWTH_ATTRIBUTES
_BLOCK_VALUES = 16_000_000


def growth_mark(like: xr.DataArray, fingerprint: str, settled: int) -> dict[str, Any]:
    """Return attributes that say which samples will not change any more, and what they were made of.

    Parameters
    ----------
    like : xarray.DataArray
        Recording with the channels and times of the file.
    fingerprint : str
        What else the samples depend on.
    settled : int
        Samples from the start on that nothing recorded later can change.
    """
    grid = grid_of(like)
    key = "distance" if "distance" in like.coords else "seed_id"
    predicted = like.coords["predicted"].values.tolist() if "predicted" in like.coords else None
    about = [fingerprint, int(grid.at(0)), grid.sampling_rate, like[key].values.tolist(), predicted, settled]
    digest = hashlib.sha256(json.dumps(about).encode())
    digest.update(np.ascontiguousarray(segments_until(like, settled)).tobytes())
    return {MADE_OF: digest.hexdigest(), SETTLED: settled}


def settled_part(path: Path, like: xr.DataArray, fingerprint: str) -> xr.DataArray | None:
    """Return what an existing file holds already of a recording that has grown since; None if nothing.

    Parameters
    ----------
    path : Path
        A file that `RecordingWriter` wrote, or none.
    like, fingerprint
        As for `growth_mark`.
    """
    if path.suffix not in GROWING or not path.exists():
        return None
    said = growth_of(path)
    settled = int(said.get(SETTLED, 0))
    if not 0 < settled <= like.sizes["time"] or said != growth_mark(like, fingerprint, settled):
        return None
    try:
        return open_own(path).isel(time=slice(0, settled))
    except InputError:
        return None


def blocks_of(part: xr.DataArray) -> Iterator[tuple[int, Float32Array]]:
    """Read a recording in blocks of bounded size, as first sample and samples."""
    step = max(1, _BLOCK_VALUES // max(1, part.sizes["channel"]))
    for first in range(0, part.sizes["time"], step):
        yield first, part.variable.isel(time=slice(first, first + step)).values
