"""The denoiser as a whole: its results, its attributes and the input that it refuses."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import xarray as xr
from sklearn.base import clone

from selfseis.denoise import Denoiser, DenoiserOptions
from selfseis.errors import InputError
from selfseis.recording import lazy_recording, recording_from_array
from selfseis.simulate import band_limited_noise, simulate_noise_recording, simulate_recording_with_events
from selfseis.validation import skill

RATE = 50.0
N_CHANNELS, N_SAMPLES = 24, 4000
SMALL = {"reach": 4, "max_lag": 5}
METHODS = ("ridge", "network")


def fibre(data: np.ndarray, rate: float = RATE) -> xr.DataArray:
    return recording_from_array(
        data, rate, distance=10.0 * np.arange(len(data)), units="strain/s", gauge_length=10.0
    )


@cache
def signal_and_noise() -> tuple[np.ndarray, np.ndarray]:
    """Return waves that cross the line at one sample per channel, and noise of the same power."""
    source = band_limited_noise(1, N_SAMPLES + N_CHANNELS, RATE, (3, 15), 1)[0]
    signal = np.array([source[N_CHANNELS - c : N_CHANNELS - c + N_SAMPLES] for c in range(N_CHANNELS)])
    return signal, band_limited_noise(N_CHANNELS, N_SAMPLES, RATE, (3, 15), 2)


def noisy() -> np.ndarray:
    signal, noise = signal_and_noise()
    return signal + noise


def small(method: str = "ridge", **parameters) -> Denoiser:
    return Denoiser(method, **(SMALL | {"max_steps": 50} | parameters))


@cache
def fitted(method: str) -> Denoiser:
    return small(method, blind_zone=0).fit(fibre(noisy()))


def in_small_tiles(denoiser: Denoiser) -> Denoiser:
    """Return a fitted denoiser that computes tiles of a minimum length."""
    other = copy(denoiser)
    options = denoiser.model_.options.with_options(tiling={"max_values": 500 * N_CHANNELS})
    other.model_ = replace(denoiser.model_, options=options)
    return other


def stations(data: np.ndarray) -> xr.DataArray:
    codes = [f"XX.S{i // 3:02d}.00.HH{'ENZ'[i % 3]}" for i in range(len(data))]
    return recording_from_array(data, RATE, seed_id=codes)


def test_the_constructor_only_stores() -> None:
    parameters = {
        "method": "network", "band": (2.0, 10.0), "blind_zone": 3, "reach": 5, "max_lag": 4,
        "fusion": False, "max_steps": 7, "max_seconds": 1.5, "seed": 8,
        "options": DenoiserOptions().with_options(bursts={"n_neighbours": 2}),
    }  # fmt: skip
    denoiser = Denoiser(**parameters)
    assert denoiser.get_params() == parameters and vars(denoiser) == parameters
    cloned = clone(denoiser)
    assert cloned is not denoiser and cloned.get_params() == parameters
    assert denoiser.set_params(reach=9, seed=1) is denoiser and denoiser.get_params()["reach"] == 9
    with pytest.raises(ValueError, match="unknown parameters: depth"):
        denoiser.set_params(depth=3)


def test_fit_returns_the_denoiser_and_leaves_its_parameters_alone() -> None:
    denoiser = small()
    before = denoiser.get_params()
    assert denoiser.fit(fibre(noisy())) is denoiser
    assert denoiser.get_params() == before
    assert denoiser.net_ is None and denoiser.progress_ is None


def test_waves_are_recovered_from_noise() -> None:
    clean, _ = signal_and_noise()
    found = fitted("ridge").transform(fibre(noisy())).values
    inner = slice(100, -100)
    assert skill(clean[:, inner], found[:, inner]) > 0.75
    assert skill(clean[:, inner], noisy()[:, inner]) < 0.1
    assert fitted("ridge").verdict_.outcome == "works"


def test_the_network_is_compared_with_the_ridge_and_starts_from_it() -> None:
    verdict = fitted("network").verdict_
    assert verdict.baseline_name == "closed-form ridge filter"
    assert verdict.skill.value >= verdict.baseline.value - 0.01
    assert fitted("network").progress_.step <= 50
    parts = fitted("network").net_, fitted("network").wiener_
    assert fitted("network").halo >= SMALL["max_lag"] + sum(part.halo for part in parts)


@pytest.mark.parametrize("method", METHODS)
def test_denoised_recordings_are_lazy_and_like_the_original(method) -> None:
    reads = []

    def read(channels: np.ndarray, first: int, last: int) -> np.ndarray:
        reads.append((first, last))
        return noisy()[channels, first:last]

    recording = lazy_recording(
        read, N_CHANNELS, N_SAMPLES, RATE, "2020-01-01T00:00:05", distance=10.0 * np.arange(N_CHANNELS),
        units="strain/s", gauge_length=10.0,
    )  # fmt: skip
    denoised = fitted(method).transform(recording)
    assert not reads
    assert (
        denoised.shape == recording.shape and denoised.dims == recording.dims and denoised.dtype == np.float32
    )
    assert denoised.attrs == recording.attrs
    assert not denoised["predicted"].any()
    xr.testing.assert_equal(
        denoised.drop_vars("predicted").coords.to_dataset(), recording.coords.to_dataset()
    )
    denoised.isel(time=slice(2000, 2010)).load()
    assert reads and min(first for first, _ in reads) > 800 and max(last for _, last in reads) < 3200


@pytest.mark.parametrize("method", METHODS)
def test_tiles_and_slices_equal_the_whole(method) -> None:
    denoised = fitted(method).transform(fibre(noisy()))
    whole = denoised.values
    for first, last in ((0, 70), (333, 1111), (3900, 4000)):
        part = denoised.isel(channel=[3, 17, 4], time=slice(first, last)).values
        np.testing.assert_allclose(part, whole[[3, 17, 4], first:last], atol=2e-5)
    in_tiles = in_small_tiles(fitted(method))
    assert in_tiles.model_.tile_samples(N_CHANNELS) < N_SAMPLES
    np.testing.assert_allclose(in_tiles.transform(fibre(noisy())).values, whole, atol=2e-5)


def test_a_channel_does_not_predict_itself() -> None:
    denoiser = small(blind_zone=2, fusion=False).fit(fibre(noisy()))
    other = noisy().copy()
    other[9:14] = 3 * band_limited_noise(5, N_SAMPLES, RATE, (3, 15), 77)
    before, after = (denoiser.transform(fibre(d)).values for d in (noisy(), other))
    np.testing.assert_allclose(after[11], before[11], atol=1e-4)
    assert np.abs(after[15] - before[15]).max() > 0.1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units_make_no_difference(method, factor) -> None:
    plain = fitted(method)
    scaled = small(method, blind_zone=0).fit(fibre((factor * noisy()).astype(np.float32)))
    assert scaled.verdict_.outcome == plain.verdict_.outcome
    assert scaled.verdict_.skill.value == pytest.approx(plain.verdict_.skill.value, abs=2e-3)
    expected = plain.transform(fibre(noisy())).values
    found = scaled.transform(fibre((factor * noisy()).astype(np.float32))).values / factor
    assert skill(expected, found) > 0.999


def test_an_offset_makes_no_difference() -> None:
    shifted = fibre((noisy() + 1000).astype(np.float32))
    found = small(blind_zone=0).fit(shifted).transform(shifted).values
    np.testing.assert_allclose(found, fitted("ridge").transform(fibre(noisy())).values, atol=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_gaps_stay_gaps_and_dead_channels_leave_their_neighbours_alone(method) -> None:
    data = noisy().copy()
    data[5, 1000:1500] = np.nan
    data[:, 2500:2600] = np.nan
    data[11] = 0
    denoiser = small(method, blind_zone=0).fit(fibre(data))
    found = denoiser.transform(fibre(data)).values
    np.testing.assert_array_equal(np.isnan(found[:5]), np.isnan(data[:5]))
    assert np.isnan(found[5, 1000:1500]).all() and np.isnan(found[:, 2500:2600]).all()
    clean = signal_and_noise()[0]
    assert skill(clean[10, 100:900], found[10, 100:900]) > 0.7
    assert denoiser.verdict_.outcome == "works"


def test_the_wrong_rate_is_refused() -> None:
    with pytest.raises(InputError, match=r"trained at 50 Hz and cannot be used at 100 Hz"):
        fitted("ridge").transform(fibre(noisy(), 2 * RATE))


def test_a_fibre_of_other_channels_is_measured_again() -> None:
    part = fibre((5 * noisy()[:, 2000:]).astype(np.float32)).isel(channel=slice(4, 20))
    found = fitted("ridge").transform(part).values
    assert found.shape == (16, 2000)
    assert skill(5 * signal_and_noise()[0][4:20, 2100:-100], found[:, 100:-100]) > 0.7


def test_other_stations_are_refused() -> None:
    denoiser = small().fit(stations(noisy()[:12]))
    with pytest.raises(InputError, match="other stations"):
        denoiser.transform(stations(noisy()[:9]))


def test_stations_are_denoised_by_the_other_stations() -> None:
    recording = stations(noisy()[:12])
    denoiser = small().fit(recording)
    assert denoiser.verdict_.outcome == "works"
    found = denoiser.transform(recording).values
    assert skill(signal_and_noise()[0][:12, 100:-100], found[:, 100:-100]) > 0.7


@pytest.mark.parametrize(
    ("recording", "match"),
    [
        (fibre(np.full((10, 3000), np.nan, np.float32)), "no data to train on"),
        (fibre(np.full((10, 3000), 4.0, np.float32)), "no data to train on"),
        (fibre(np.ones((10, 20), np.float32)), "no data to train on"),
    ],
    ids=["all NaN", "all constant", "too short"],
)
def test_recordings_without_training_data_are_refused(recording, match) -> None:
    with pytest.raises(InputError, match=match):
        small().fit(recording)


def test_a_network_needs_a_line() -> None:
    with pytest.raises(InputError, match="on a line"):
        small("network").fit(stations(noisy()[:12]))


def test_an_unknown_method_is_an_error() -> None:
    with pytest.raises(ValueError, match="'magic'"):
        Denoiser("magic").fit(fibre(noisy()))


def test_one_live_channel_cannot_be_evaluated() -> None:
    data = np.zeros((12, 3000), np.float32)
    data[3] = noisy()[3, :3000]
    denoiser = small().fit(fibre(data))
    assert denoiser.verdict_.outcome == "cannot_tell" and "single live channel" in denoiser.verdict_.reason


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_gives_no_gain(method, seed) -> None:
    noise = fibre(band_limited_noise(N_CHANNELS, N_SAMPLES, RATE, (1, 20), seed, correlation_length=4))
    denoiser = small(method).fit(noise)
    assert denoiser.blind_zone_ in (3, 4, 5)
    assert denoiser.verdict_.outcome == "no_gain"


def test_earthquakes_also_give_a_gain_on_other_data() -> None:
    noise = simulate_noise_recording("gauge", "fibre", 0.05, RATE, 32, 5, gauge_channels=3)
    recording, _ = simulate_recording_with_events(noise, 15.0, 12, 6)
    denoiser = small(max_lag=8, blind_zone=3).fit(recording)
    assert denoiser.verdict_.outcome == "works"
    elsewhere, _ = simulate_recording_with_events(
        simulate_noise_recording("gauge", "fibre", 0.05, RATE, 32, 8, gauge_channels=3), 15.0, 12, 9
    )
    assert denoiser.evaluate(elsewhere).outcome == "works"
    assert denoiser.evaluate(noise).outcome == "no_gain"


def test_too_short_a_recording_cannot_be_evaluated() -> None:
    verdict = fitted("ridge").evaluate(fibre(noisy()[:, :40]))
    assert verdict.outcome == "cannot_tell" and "too short" in verdict.reason


def test_an_interrupted_training_gives_the_same_network(tmp_path) -> None:
    def interrupt(progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small("network", max_steps=100).fit(fibre(noisy()), checkpoint=tmp_path, progress=interrupt)
    resumed = small("network", max_steps=100).fit(fibre(noisy()), checkpoint=tmp_path)
    whole = small("network", max_steps=100).fit(fibre(noisy()))
    for name, values in whole.net_.state_dict().items():
        assert (resumed.net_.state_dict()[name] == values).all()
