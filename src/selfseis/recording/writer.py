"""Writer of recordings, tile by tile: interrupted runs resume, and files appear whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from selfseis.errors import InputError
from selfseis.io.atomic import remove, replacing
from selfseis.recording.append import GROWING, blocks_of, growth_mark, reusable_part
from selfseis.recording.coverage import covered_tiles, stretches
from selfseis.recording.netcdf_zarr import FORMATS, Samples
from selfseis.recording.time_axis import grid_of

_MINISEED_CODES = (2, 5, 2, 3)  # characters of network, station, location and channel
_TILE_VALUES = 16_000_000  # values in memory at a time: 64 MB


class RecordingWriter:
    """Writes a recording from tiles that are computed one after the other, in any order.

    Finished tiles are kept in the folder ``PATH.partial``. When the ``with`` block ends well and every sample
    that may hold data was written, they become the file; when it ends by an exception they stay, and a writer
    for the same path, recording and fingerprint takes them up.

    Parameters
    ----------
    path : path-like
        Ends in ``.nc`` (NetCDF 4), ``.zarr`` or ``.mseed``; an existing file is replaced at the end.
    like : xarray.DataArray
        Recording with the channels and times of the output.
    fingerprint : str
        Other inputs of the samples (a model, its settings): tiles of another fingerprint are deleted.
    margin : int, optional
        Samples at the end of the recording that change when it grows. With it, an existing ``.nc`` or ``.zarr``
        of the same recording (shorter, or as long) and the same fingerprint is continued: its first `kept`
        samples stay and need not be written.

    Raises
    ------
    InputError
        If the name has none of the three endings, if its folder does not exist, or if codes do not fit into miniSEED.

    Examples
    --------
    >>> with RecordingWriter("clean.nc", like=recording) as writer:
    ...     for tile in tiles(recording, 60_000, halo=500):
    ...         if not writer.finished(tile.first):
    ...             writer.write(tile.first, denoise(tile.data)[:, tile.core])
    """

    def __init__(
        self, path: Any, like: xr.DataArray, fingerprint: str = "", *, margin: int | None = None
    ) -> None:
        self.path = Path(path)
        self.like = like
        self.fingerprint = fingerprint
        self.margin = margin
        self._old: xr.DataArray | None = None
        if self.path.suffix not in FORMATS:
            raise InputError(f"{self.path} must end in {', '.join(FORMATS)}")
        if self.path.suffix == ".mseed" and (unfit := codes_unfit_for_miniseed(like)):
            raise InputError(
                f"{self.path}: {unfit[0]} does not fit into miniSEED, which holds codes of 2, 5, 2 and 3 characters: "
                "write .nc or .zarr"
            )
        self._partial = self.path.with_name(self.path.name + ".partial")
        if not self.path.parent.is_dir():
            raise InputError(f"the folder {self.path.parent} does not exist: make it first")

    @property
    def kept(self) -> int:
        """Number of samples from the start that an existing file already holds; known within the ``with`` block."""
        return 0 if self._old is None else self._old.sizes["time"]

    def __enter__(self) -> RecordingWriter:
        if self.margin is not None:
            self._old = reusable_part(self.path, self.like, self.fingerprint)
        manifest = self._partial / "manifest.json"
        if not manifest.is_file() or manifest.read_text() != self._manifest():
            remove(self._partial)
            self._partial.mkdir()
            with replacing(manifest) as temporary:
                temporary.write_text(self._manifest())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            return
        missing = self._missing()
        if missing > 0:
            raise ValueError(f"{missing} samples were never written; the tiles so far are in {self._partial}")
        with replacing(self.path) as temporary:
            FORMATS[self.path.suffix](temporary, self._marked(), self._samples())
        remove(self._partial)

    def finished(self, first: int) -> bool:
        """Whether the tile whose first core sample this is was written, now or by an earlier run."""
        return next(self._partial.glob(f"{first:012d}-*.npy"), None) is not None

    def write(self, first: int, data: npt.ArrayLike) -> None:
        """Write samples.

        Parameters
        ----------
        first : int
            Index in the recording of the first sample.
        data : array_like
            (channels, samples), without halo; NaN where there is no data.

        Raises
        ------
        ValueError
            If the samples do not fit into the recording.
        """
        samples = np.asarray(data, dtype=np.float32)
        n_channels, n_samples = self.like.sizes["channel"], self.like.sizes["time"]
        last = first + samples.shape[-1]
        if samples.ndim != 2 or samples.shape[0] != n_channels or first < 0 or last > n_samples:
            raise ValueError(
                f"{samples.shape} samples from {first} on do not fit into {(n_channels, n_samples)}"
            )
        with (
            replacing(self._partial / f"{first:012d}-{last:012d}.npy") as temporary,
            temporary.open("wb") as file,
        ):
            np.save(file, samples, allow_pickle=False)

    def _marked(self) -> xr.DataArray:
        """Return the template with the attributes for a later continuation."""
        if self.margin is None or self.path.suffix not in GROWING:
            return self.like
        n_final = max(0, self.like.sizes["time"] - self.margin)
        return self.like.assign_attrs(growth_mark(self.like, self.fingerprint, n_final))

    def _manifest(self) -> str:
        grid = grid_of(self.like)
        key = "distance" if "distance" in self.like.coords else "seed_id"
        return json.dumps(
            {
                "start_ns": int(grid.at(0)),
                "sampling_rate": grid.sampling_rate,
                "n_samples": grid.size,
                "channels": self.like[key].values.tolist(),
                "fingerprint": self.fingerprint,
                "kept": self.kept,
            }
        )

    def _spans(self) -> list[tuple[int, int]]:
        """Return the spans of finished tiles, without overlaps."""
        spans, covered = [(0, self.kept)], self.kept
        for file in sorted(self._partial.glob("*-*.npy")):
            first, last = map(int, file.stem.split("-"))
            if last > covered:
                spans.append((max(first, covered), last))
                covered = last
        return spans

    def _missing(self) -> int:
        """Count the samples that may hold data and were not written."""
        spans = self._spans()
        missing = 0
        for first, last in stretches(self.like):
            missing += last - first - sum(max(0, min(last, b) - max(first, a)) for a, b in spans)
        return missing

    def _samples(self) -> Iterator[Samples]:
        if self._old is not None:
            yield from blocks_of(self._old)
        covered = self.kept
        for file in sorted(self._partial.glob("*-*.npy")):
            first, last = map(int, file.stem.split("-"))
            if last > covered:
                samples = np.load(file, allow_pickle=False)
                yield max(first, covered), samples[:, max(0, covered - first) :]
                covered = last


def codes_unfit_for_miniseed(recording: xr.DataArray) -> list[str]:
    """Return the seed_ids with a code that miniSEED 2 would cut, so that two stations could become one.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording. The channels of a fibre are numbered in miniSEED, so they all fit.
    """
    if "distance" in recording.coords:
        return []
    return [
        str(seed_id)
        for seed_id in recording["seed_id"].values
        if not str(seed_id).isascii()
        or len(codes := str(seed_id).split(".")) != len(_MINISEED_CODES)
        or any(len(code) > size for code, size in zip(codes, _MINISEED_CODES, strict=True))
    ]


def write_recording(recording: xr.DataArray, path: Any) -> None:
    """Write a whole recording, tile by tile.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    path : path-like
        Ends in ``.nc``, ``.zarr`` or ``.mseed``. For a fibre, miniSEED needs made-up codes: channel number
        ``k`` becomes ``XX.k..HSF`` with five digits, and ``PATH.channels.csv`` lists the distances.

    Raises
    ------
    InputError
        If the name has none of these endings, if its folder does not exist, or if codes do not fit into miniSEED.

    Examples
    --------
    >>> from selfseis import open_recording, write_recording
    >>> from selfseis.simulate import simulate_noise_recording
    >>> write_recording(simulate_noise_recording("white", "fibre", 1 / 360, 50.0, 4, seed=1), "fibre.nc")
    >>> open_recording("fibre.nc").shape
    (4, 500)
    """
    with RecordingWriter(path, like=recording) as writer:
        core = max(1, _TILE_VALUES // max(1, recording.sizes["channel"]))
        for tile in covered_tiles(recording, core):
            writer.write(tile.first, tile.data)
