"""Dead, noisy, fading and spiky channels: their replacement, its mark, and the effect on neighbours."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import xarray as xr

from selfseis.denoise import Denoiser
from selfseis.denoise.channel_levels import ChannelNoiseLevels
from selfseis.recording import recording_from_array
from selfseis.recording.preprocessing import Conditioner
from selfseis.simulate import band_limited_noise
from selfseis.validation import skill

RATE, N_CHANNELS, N_SAMPLES = 50.0, 24, 4000
INNER = slice(100, 900)
SETTINGS = {"reach": 4, "max_lag": 5, "blind_zone": 0}


@cache
def signal_and_noise() -> tuple[np.ndarray, np.ndarray]:
    """Return waves that cross the line at one sample per channel, and noise of the same power."""
    source = band_limited_noise(1, N_SAMPLES + N_CHANNELS, RATE, (3, 15), 1)[0]
    signal = np.array([source[N_CHANNELS - c : N_CHANNELS - c + N_SAMPLES] for c in range(N_CHANNELS)])
    return signal, band_limited_noise(N_CHANNELS, N_SAMPLES, RATE, (3, 15), 2)


def day() -> np.ndarray:
    signal, noise = signal_and_noise()
    return signal + noise


def fibre(data: np.ndarray) -> xr.DataArray:
    return recording_from_array(data.astype(np.float32), RATE, distance=10.0 * np.arange(len(data)))


def stations(data: np.ndarray) -> xr.DataArray:
    codes = [f"XX.S{i:02d}.00.HHZ" for i in range(len(data))]
    return recording_from_array(data.astype(np.float32), RATE, seed_id=codes)


@cache
def trained() -> Denoiser:
    return Denoiser(**SETTINGS).fit(fibre(day()))


def cleaned(denoiser: Denoiser, recording: xr.DataArray) -> xr.DataArray:
    return denoiser.transform(recording, levels=denoiser.levels(recording)).load()


def skills(found: xr.DataArray) -> np.ndarray:
    signal = signal_and_noise()[0]
    return np.array([skill(signal[c, INNER], found.values[c, INNER]) for c in range(found.shape[0])])


@pytest.mark.parametrize("factor", [1.0, 1e-9])
def test_a_channel_that_died_is_predicted_in_its_units_and_marked(factor: float) -> None:
    data = factor * day()
    dead = data.copy()
    dead[11] = np.nan
    found = cleaned(Denoiser(**SETTINGS).fit(fibre(data)), fibre(dead))
    assert np.flatnonzero(found["predicted"]).tolist() == [11]
    assert skills(found / factor)[11] > 0.75


def test_a_channel_dead_from_the_start_has_the_level_of_its_neighbours() -> None:
    data = day() * np.linspace(1, 3, N_CHANNELS)[:, None]
    data[7] = 0.0
    found = Denoiser(**SETTINGS).fit_transform(fibre(data))
    assert np.flatnonzero(found["predicted"]).tolist() == [7]
    truth = signal_and_noise()[0][7, INNER] * np.linspace(1, 3, N_CHANNELS)[7]
    assert skill(truth, found.values[7, INNER]) > 0.75


def test_a_prediction_has_gaps_where_no_channel_has_data() -> None:
    data = day()
    data[11] = np.nan
    data[:, 2000:2500] = np.nan
    data[3, 3000:3300] = np.nan
    found = cleaned(trained(), fibre(data))
    np.testing.assert_array_equal(np.isnan(found.values[11]), np.isnan(data[10]))
    assert np.isnan(found.values[3, 3000:3300]).all(), "a gap of a channel that records stays a gap"


def test_channels_far_from_live_ones_are_not_predicted() -> None:
    data = day()
    data[2:20] = np.nan
    found = cleaned(trained(), fibre(data))
    seen = {2, 3, 4, 5, 16, 17, 18, 19}
    assert set(np.flatnonzero(found["predicted"]).tolist()) == seen
    assert np.isnan(found.values[6:16]).all()


def test_a_station_that_died_is_predicted_and_one_dead_from_the_start_is_not() -> None:
    data = day()[:8]
    data[5] = np.nan
    denoiser = Denoiser(max_lag=8).fit(stations(data))
    today = day()[:8]
    today[2] = np.nan
    found = cleaned(denoiser, stations(today))
    assert np.flatnonzero(found["predicted"]).tolist() == [2]
    assert skills(found)[2] > 0.6 and np.isnan(found.values[5]).all()


def test_dead_channels_have_no_uncertainty() -> None:
    data = day()
    data[11] = np.nan
    denoiser = trained()
    spread = denoiser.uncertainty(fibre(data), levels=denoiser.levels(fibre(data)))
    np.testing.assert_array_equal(spread["predicted"], np.arange(N_CHANNELS) == 11)
    assert np.isnan(spread.values[11]).all() and np.isfinite(np.delete(spread.values, 11, axis=0)).all()


@pytest.mark.parametrize("noise", ["twenty times louder", "twenty times louder since the fit"])
def test_a_noisy_channel_does_not_spoil_its_neighbours(noise: str) -> None:
    loud = day()
    loud[13] += 19 * signal_and_noise()[1][13]
    denoiser = trained() if "since" in noise else Denoiser(**SETTINGS).fit(fibre(loud))
    found = skills(cleaned(denoiser, fibre(loud)))
    expected = skills(cleaned(trained(), fibre(day())))
    neighbours = [9, 10, 11, 12, 14, 15, 16, 17]
    assert (found[neighbours] > expected[neighbours] - 0.08).all()
    assert found[13] > 0.75, "its own signal keeps its amplitude"


def test_a_channel_that_lost_its_coupling_keeps_its_units() -> None:
    faded = day()
    faded[13] /= 20
    found = cleaned(trained(), fibre(faded))
    assert skill(signal_and_noise()[0][13, INNER] / 20, found.values[13, INNER]) > 0.75


def test_spikes_stay_where_they_are() -> None:
    spiky = day()
    where = np.arange(150, 850, 50)
    spiky[13, where] += 40
    found = skills(cleaned(trained(), fibre(spiky)))
    assert found[13] > 0.8
    expected = skills(cleaned(trained(), fibre(day())))
    assert (np.delete(found, 13)[9:17] > np.delete(expected, 13)[9:17] - 0.05).all()


def test_a_common_change_of_all_channels_keeps_the_trained_levels() -> None:
    today = trained().levels(fibre(30 * day()))
    np.testing.assert_array_equal(today.scale, trained().conditioner_.scale)
    assert not today.predicted.any()


def test_levels_change_by_octaves_and_do_not_depend_on_the_length() -> None:
    loud = day()
    loud[13] *= 11
    levels = [trained().levels(fibre(loud[:, :n])).scale for n in (3000, 3500, 4000)]
    np.testing.assert_array_equal(levels[0], levels[1])
    np.testing.assert_array_equal(levels[0], levels[2])
    assert np.log2(levels[0][13] / trained().conditioner_.scale[13]) % 1 == pytest.approx(0, abs=1e-5)


def test_gains_follow_the_signal_share_of_channels() -> None:
    signal, noise = signal_and_noise()
    share = np.where(np.arange(N_CHANNELS) % 2, 1.0, 0.5)[:, None]
    denoiser = Denoiser(**SETTINGS).fit(fibre(share * signal + noise))
    true = share[:, 0] / denoiser.conditioner_.scale
    found = denoiser.gain_ / denoiser.gain_.mean()
    assert np.corrcoef(true, found)[0, 1] > 0.9


def test_without_live_channels_nothing_is_predicted() -> None:
    dead = Conditioner(RATE, (1.0, 20.0), np.zeros(6, np.float32), np.full(6, np.nan, np.float32))
    levels = ChannelNoiseLevels.as_trained(
        dead, np.ones(6, np.float32), trained().ridge_, fibre(np.zeros((6, 10)))
    )
    assert not levels.predicted.any()
