"""Denoising of unevenly scattered seismometers, each predicted from its neighbours on the ground."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import xarray as xr

from selfseis.denoise import Denoiser, DenoiserOptions
from selfseis.denoise.station_filter import other_stations, station_places
from selfseis.recording import recording_from_array
from selfseis.simulate import band_limited_noise
from selfseis.validation import skill

RATE, N_STATIONS, N_SAMPLES = 50.0, 60, 4000
SLOWNESS = 25.0  # samples per km: across the array ten times the filter's lag
INNER = slice(200, -200)


@cache
def array() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places (km), and plane waves of three directions at them without and with noise."""
    rng = np.random.default_rng(4)
    dense, sparse = rng.normal(0, 0.4, (N_STATIONS // 2, 2)), rng.uniform(-2, 2, (N_STATIONS // 2, 2))
    places = rng.permutation(np.concatenate([dense, sparse]))
    signal = np.zeros((N_STATIONS, N_SAMPLES), np.float32)
    for seed, azimuth in enumerate((0.3, 2.1, 4.0)):
        late = np.round(SLOWNESS * (places @ [np.sin(azimuth), np.cos(azimuth)])).astype(int)
        source = band_limited_noise(1, N_SAMPLES + np.ptp(late), RATE, (1, 6), seed)[0]
        signal += np.array([source[late.max() - shift :][:N_SAMPLES] for shift in late])
    noise = 1.7 * band_limited_noise(N_STATIONS, N_SAMPLES, RATE, (1, 6), 9)
    return places, signal, signal + noise


def recorded(*, with_places: bool) -> xr.DataArray:
    places, _, data = array()
    known = {"latitude": 45 + places[:, 1] / 111.2, "longitude": 7 + places[:, 0] / 111.2 / np.cos(np.pi / 4)}
    codes = [f"XX.S{i:02d}.00.HHZ" for i in range(N_STATIONS)]
    return recording_from_array(data, RATE, seed_id=codes, **(known if with_places else {}))


def skill_of(*, with_places: bool) -> float:
    recording = recorded(with_places=with_places)
    found = Denoiser(max_lag=6, band=(0.8, 8.0), fusion=False).fit_transform(recording).values
    return skill(array()[1][:, INNER], found[:, INNER])


def test_neighbours_on_the_ground_predict_better_than_neighbours_in_the_list() -> None:
    near, listed = skill_of(with_places=True), skill_of(with_places=False)
    assert near > 0.5 and near > listed + 0.1


def test_the_nearest_channels_predict_up_to_the_maximum_number() -> None:
    places = station_places(recorded(with_places=True))
    assert places is not None
    apart = np.hypot(*(places[:, None] - places[None]).T)
    np.testing.assert_allclose(apart, np.hypot(*(array()[0][:, None] - array()[0][None]).T), atol=0.01)
    lists = other_stations(np.arange(N_STATIONS).astype(str), np.ones(N_STATIONS, bool), places)
    for channel, others in enumerate(lists):
        assert len(others) == DenoiserOptions().ridge.max_predictors and channel not in others
        assert apart[channel, others].max() <= np.sort(np.delete(apart[channel], others))[1]


@pytest.mark.parametrize("gap", [True, False])
def test_incomplete_positions_are_not_used(gap: bool) -> None:
    recording = recorded(with_places=gap)
    if gap:
        latitude = recording["latitude"].values.copy()
        latitude[3] = np.nan
        recording = recording.assign_coords(latitude=("channel", latitude))
    assert station_places(recording) is None


def test_positions_across_the_date_line() -> None:
    codes = ["XX.A..HHZ", "XX.B..HHZ"]
    recording = recording_from_array(
        np.zeros((2, 10)), RATE, seed_id=codes, latitude=[0.0, 0.0], longitude=[179.99, -179.99]
    )
    places = station_places(recording)
    assert places is not None and np.hypot(*(places[1] - places[0])) == pytest.approx(2.2, abs=0.1)
