"""Computation by tiles: it equals the whole, also at the ends, and reads only the necessary data."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.denoise import DenoiserOptions
from selfseis.recording import lazy_recording
from selfseis.recording.lazy_transform import ALIGNMENT, read_computed, tile_samples
from selfseis.recording.preprocessing import Conditioner
from selfseis.simulate import band_limited_noise

RATE, N_CHANNELS, N_SAMPLES = 50.0, 6, 5000
HALO = 30
TILING = DenoiserOptions().tiling


def running_mean(data: np.ndarray, live: np.ndarray) -> np.ndarray:
    """Return something that needs all of the halo, and no more."""
    kernel = np.ones(2 * HALO + 1, np.float32) / (2 * HALO + 1)
    return np.array([np.convolve(row, kernel, "same") for row in data], np.float32)


class Setting:
    def __init__(self) -> None:
        self.data = band_limited_noise(N_CHANNELS, N_SAMPLES, RATE, (3, 15), 1)
        self.data[2, 1000:1300] = np.nan
        self.reads: list[tuple[int, int]] = []
        self.recording = lazy_recording(
            self._read, N_CHANNELS, N_SAMPLES, RATE, distance=np.arange(N_CHANNELS)
        )
        self.conditioner = Conditioner.measure(self.recording)
        self.reads.clear()

    def _read(self, channels: np.ndarray, first: int, last: int) -> np.ndarray:
        self.reads.append((first, last))
        return self.data[channels, first:last]

    def computed(
        self,
        first: int = 0,
        last: int = N_SAMPLES,
        channels: np.ndarray | None = None,
        tile: int = 10 * N_SAMPLES,
    ) -> np.ndarray:
        return read_computed(
            np.arange(N_CHANNELS) if channels is None else channels, first, last,
            recording=self.recording, conditioner=self.conditioner, compute=running_mean, halo=HALO,
            tile=tile,
        )  # fmt: skip


@pytest.mark.parametrize("tile", [3 * ALIGNMENT, 7 * ALIGNMENT])
@pytest.mark.parametrize(("first", "last"), [(0, N_SAMPLES), (0, 1), (700, 1411), (N_SAMPLES - 3, N_SAMPLES)])
def test_any_part_in_any_tiles_equals_the_whole(tile, first, last) -> None:
    whole = Setting().computed()
    channels = np.array([4, 2])
    found = Setting().computed(first, last, channels, tile)
    np.testing.assert_allclose(found, whole[channels, first:last], atol=1e-5)


def test_only_gaps_stay_gaps() -> None:
    setting = Setting()
    np.testing.assert_array_equal(np.isnan(setting.computed()), np.isnan(setting.data))


def test_only_the_necessary_context_is_read() -> None:
    setting = Setting()
    setting.computed(2048, 2176)
    context = ALIGNMENT + setting.conditioner.halo
    assert setting.reads == [(2048 - context, 2176 + context)]


def test_most_of_a_tile_is_not_context_with_many_channels() -> None:
    for n_channels in (1, 500, 10_000, 100_000):
        samples = tile_samples(n_channels, 458, **TILING.to_dict())
        assert samples % ALIGNMENT == 0 and samples >= 3 * 458
    assert tile_samples(100, 458, **TILING.to_dict()) * 100 <= TILING.max_values
