"""Wiener weights of prediction and observation."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.ndimage import correlate1d, gaussian_filter, gaussian_filter1d, map_coordinates

from selfseis.denoise.common_mode import common_share, without_common_mode
from selfseis.denoise.options import FrameOptions, WienerOptions
from selfseis.denoise.wiener import WienerWeights
from selfseis.denoise.windowed_fk import Frames

N_CHANNELS, N_SAMPLES = 24, 8192


def case(
    predicted_share: float, amplitude: float = 3.0, seed: int = 0, n_channels: int = N_CHANNELS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a plane wave in bursts, data with white noise of unit power, and a prediction of part of the signal."""
    rng = np.random.default_rng(seed)
    burst = np.zeros(N_SAMPLES)
    for first in range(500, N_SAMPLES - 1000, 2000):
        burst[first : first + 600] = np.hanning(600)
    carrier = np.cos(2 * np.pi * 0.1 * (np.arange(N_SAMPLES) - 2 * np.arange(n_channels)[:, None]))
    signal = amplitude * burst * carrier
    data = signal + rng.normal(size=signal.shape)
    prediction = predicted_share * signal + 0.02 * rng.normal(size=signal.shape)
    return tuple(a.astype(np.float32) for a in (signal, data, prediction))  # type: ignore[return-value]


def error(found: np.ndarray, truth: np.ndarray) -> float:
    return float(((found - truth) ** 2).mean())


ALL = np.ones(N_CHANNELS, bool)


@pytest.mark.parametrize("size", [(1, 32), (8, 64), (32, 128)])
@pytest.mark.parametrize("shape", [(3, 1000), (40, 1024), (33, 77)])
def test_frames_add_up_to_the_record(size, shape) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    frames = Frames(*size)
    spectra = frames.of(values)
    assert spectra.shape[2] == frames.n_rows(shape[0])
    np.testing.assert_allclose(frames.joined(spectra, shape).numpy(), values, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 32), (8, 64)])
def test_power_in_cells_spreads_to_the_variance_of_samples(size) -> None:
    values = np.random.default_rng(0).normal(size=(64, 8192)).astype(np.float32)
    frames = Frames(*size)
    spectra = frames.of(values)
    power = (spectra.real**2 + spectra.imag**2).mean(dim=(0, 2), keepdim=True).expand(spectra.shape)
    inner = frames.spread(power, values.shape)[8:-8, 64:-64]
    np.testing.assert_allclose(inner.numpy(), 1, rtol=0.08)


@pytest.mark.parametrize("size", [(1, 32), (8, 64)])
def test_the_average_of_neighbours_excludes_the_cell(size) -> None:
    frames = Frames(*size)
    power = frames.of(np.zeros((40, 640), np.float32)).real
    power[5, :, 3] = 1
    around = frames.of_neighbours(power)
    assert around[5, :, 3].abs().max() < 1e-6
    assert around[6, :, 3].min() > 0.1


@pytest.mark.parametrize("size", [(1, 32), (8, 64)])
@pytest.mark.parametrize("shape", [(80, 1024), (75, 1000), (32, 512), (5, 100)])
def test_each_frame_is_counted_once(size, shape) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    frames = Frames(*size, FrameOptions(block_channels=32, block_samples=512))
    whole = frames.of(values)
    counts = np.zeros((whole.shape[0], whole.shape[2]), int)
    for block in frames.blocks(shape):
        first = block.outer[1].start // (frames.samples // 2)
        own = block.own(frames.of(values[block.outer]))
        rows = slice(block.rows.start + block.own_rows.start, block.rows.start + block.own_rows.stop)
        columns = slice(first + block.own_columns.start, first + block.own_columns.stop)
        np.testing.assert_allclose(own.numpy(), whole[columns, :, rows].numpy(), atol=1e-4)
        counts[columns, rows] += 1
    assert (counts == 1).all()


SMALL_BLOCKS = WienerOptions().with_options(frames={"block_channels": 32, "block_samples": 1024})


def test_the_weights_do_not_depend_on_the_block_size() -> None:
    _, data, prediction = case(predicted_share=0.5, n_channels=80)
    whole = WienerWeights.measure([(data, prediction)])
    parts = WienerWeights.measure([(data, prediction)], options=SMALL_BLOCKS)
    np.testing.assert_allclose(parts.noise, whole.noise, rtol=1e-3)
    np.testing.assert_allclose(parts.observation_gain, whole.observation_gain, atol=1e-2)


def test_excluded_times_do_not_affect_the_noise() -> None:
    rng = np.random.default_rng(1)
    data, prediction = rng.standard_normal((2, 128, 3000)).astype(np.float32)
    times = np.ones(3000, bool)
    times[1000:1400] = times[2200:2300] = False
    louder = np.where(times, data, 100 * data)
    noise, noise_of_louder = (
        WienerWeights.measure([(one, prediction)], times=[times]).noise for one in (data, louder)
    )
    np.testing.assert_array_equal(noise, noise_of_louder)
    assert np.median(WienerWeights.measure([(louder, prediction)]).noise) > 10 * np.median(noise)


def test_the_estimate_does_not_depend_on_the_block_size() -> None:
    _, data, prediction = case(predicted_share=0.5, n_channels=80)
    wiener = WienerWeights.measure([(data, prediction)])
    live = np.ones(80, bool)
    whole = wiener(data, prediction, live), wiener.standard_deviation(data, prediction, live)
    wiener = replace(wiener, options=SMALL_BLOCKS)
    np.testing.assert_allclose(wiener(data, prediction, live), whole[0], atol=1e-4)
    np.testing.assert_allclose(wiener.standard_deviation(data, prediction, live), whole[1], atol=1e-4)


def test_an_unpredicted_wave_is_separated_from_correlated_noise() -> None:
    """Noise correlated by the gauge length has small wavenumbers; a slow wave has others."""
    rng = np.random.default_rng(3)
    noise = gaussian_filter1d(rng.normal(size=(64, N_SAMPLES)), 4, axis=0)
    noise /= noise.std()
    time = np.arange(N_SAMPLES) - 3 * np.arange(64)[:, None]
    burst = np.exp(-(((time % 2048) - 1000) ** 2) / 2 / 200**2)
    signal = burst * np.cos(2 * np.pi * 0.08 * time)
    data = (signal + noise).astype(np.float32)
    prediction = (0.02 * rng.normal(size=data.shape)).astype(np.float32)
    wiener = WienerWeights.measure([(data, prediction)])
    found = wiener(data, prediction, np.ones(64, bool))
    assert error(found, signal) < 0.45 * (signal**2).mean()


def test_stations_have_no_wavenumbers() -> None:
    _, data, prediction = case(predicted_share=0.5)
    wiener = WienerWeights.measure([(data, prediction)], on_line=False)
    assert wiener.channels == 1
    order = np.random.default_rng(0).permutation(N_CHANNELS)
    shuffled = WienerWeights.measure([(data[order], prediction[order])], on_line=False)
    np.testing.assert_allclose(
        shuffled(data[order], prediction[order], ALL), wiener(data, prediction, ALL)[order], atol=1e-3
    )


def test_the_observation_completes_the_prediction() -> None:
    signal, data, prediction = case(predicted_share=0.5)
    wiener = WienerWeights.measure([(data, prediction)])
    fused = wiener(data, prediction, ALL)
    assert error(fused, signal) < 0.3 * min(error(prediction, signal), error(data, signal))


def test_a_complete_prediction_of_a_station_needs_no_observation() -> None:
    signal, data, prediction = case(predicted_share=1.0)
    wiener = WienerWeights.measure([(data, prediction)], on_line=False)
    assert error(wiener(data, prediction, ALL), signal) < 5 * error(prediction, signal)


def filtered(data: np.ndarray) -> np.ndarray:
    """Return a blind prediction of a wave of twenty samples' period that comes with 2 samples per channel."""
    shifted = [np.roll(np.roll(data, by, axis=0), 2 * by, axis=1) for by in (-3, -2, -1, 1, 2, 3)]
    return np.mean(shifted, axis=0, dtype=np.float32)


def test_noise_in_the_predictions_of_neighbours_is_not_signal() -> None:
    """At a given wavenumber the blind prediction is the filtered observation, so it reproduces noise."""
    signal, data, _ = case(predicted_share=1.0, amplitude=1.0, n_channels=128)
    live = np.ones(128, bool)
    measured = WienerWeights.measure([(data, filtered(data))])
    from_signal = WienerWeights.measure([(data, filtered(signal))])
    by_itself = error(measured(data, filtered(data), live), signal)
    assert by_itself < 1.5 * error(from_signal(data, filtered(signal), live), signal)
    assert by_itself < 0.3 * error(filtered(data), signal)


def test_waves_that_never_cease_are_not_taken_for_noise() -> None:
    rng = np.random.default_rng(7)
    times = np.arange(N_SAMPLES) - 2 * np.arange(128)[:, None]
    random_wave = gaussian_filter1d(rng.normal(size=3 * N_SAMPLES), 8)
    signal = (random_wave / random_wave.std())[times + N_SAMPLES]
    data = (signal + rng.normal(size=signal.shape)).astype(np.float32)
    prediction = filtered(data)
    found = WienerWeights.measure([(data, prediction)])(data, prediction, np.ones(128, bool))
    assert error(found, signal) < 0.16 * (signal**2).mean()


def test_without_predictable_signal_the_estimate_is_small() -> None:
    rng = np.random.default_rng(1)
    data = rng.normal(size=(N_CHANNELS, N_SAMPLES)).astype(np.float32)
    prediction = (0.1 * rng.normal(size=data.shape)).astype(np.float32)
    wiener = WienerWeights.measure([(data, prediction)])
    assert (wiener(data, prediction, ALL) ** 2).mean() < 0.008


def test_the_stated_deviation_is_that_of_the_error() -> None:
    signal, data, prediction = case(predicted_share=1.0, n_channels=64)
    wrong = gaussian_filter(np.random.default_rng(5).normal(size=signal.shape), (8, 100))
    prediction = (prediction * (1 + 0.5 * wrong / wrong.std())).astype(np.float32)
    live = np.ones(64, bool)
    wiener = WienerWeights.measure([(data, prediction)])
    fused, deviation = wiener(data, prediction, live), wiener.standard_deviation(data, prediction, live)
    loud = np.abs(signal).max(axis=0) > 1
    assert error(fused, signal) < 0.5 * error(prediction, signal)
    assert np.sqrt(error(fused[:, loud], signal[:, loud])) == pytest.approx(
        np.sqrt((deviation[:, loud] ** 2).mean()), rel=0.35
    )


def test_a_dead_channel_is_estimated_from_the_others_alone() -> None:
    _, data, prediction = case(predicted_share=0.5)
    wiener = WienerWeights.measure([(data, prediction)])
    live = ALL.copy()
    live[5] = False
    disturbed = data.copy()
    disturbed[5] = 1e3
    np.testing.assert_array_equal(wiener(disturbed, prediction, live)[5], wiener(data, prediction, live)[5])
    assert not np.array_equal(wiener(data, prediction, live)[5], wiener(data, prediction, ALL)[5])


def test_empty_data_give_zeros() -> None:
    zeros = np.zeros((4, 600), np.float32)
    wiener = WienerWeights.measure([(zeros, zeros)])
    assert not wiener(zeros, zeros, np.ones(4, bool)).any()


def test_the_common_mode_is_removed_and_measured() -> None:
    rng = np.random.default_rng(2)
    own, laser = rng.normal(size=(64, 4000)), rng.normal(size=4000)
    data = (own + laser).astype(np.float32)
    data[:, 100:200] = 0
    clean = without_common_mode(data, np.ones(64, bool))
    assert np.abs(np.corrcoef(clean[:, 200:].mean(axis=0) + 0 * laser[200:], laser[200:])[0, 1]) < 0.5
    assert (clean[:, 200:] ** 2).mean() == pytest.approx(1, rel=0.1)
    assert not clean[:, 100:200].any()
    assert common_share(np.r_[1.0, np.full(32, 0.5)], 64) == pytest.approx(0.5)
    assert common_share(np.r_[1.0, np.full(32, 0.05)], 64) == 0
    assert common_share(np.r_[1.0, np.full(32, 0.5)], 16) == 0


@pytest.mark.parametrize("on_line", [True, False])
def test_the_fast_estimate_equals_the_formulas(on_line) -> None:
    """Compare with a direct computation per frame and cell in double precision."""
    _, data, prediction = case(predicted_share=0.5, n_channels=40)
    data, prediction = data[:, :1024], prediction[:, :1024]
    wiener = WienerWeights.measure([(data, prediction)], on_line=on_line)
    expected = weighed_slowly(wiener, data, prediction)
    found = wiener(data, prediction, np.ones(40, bool))
    assert np.sqrt(error(found, expected)) < 1e-4 * np.sqrt((expected**2).mean())


def weighed_slowly(wiener: WienerWeights, data: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return the posterior mean, every frame transformed by itself and every pass a SciPy filter."""
    height, width = wiener.channels, wiener.samples
    across, along = max(1, height // 2), width // 2
    taper = half_sine(height)[:, None] * half_sine(width) if height > 1 else half_sine(width)[None]
    n_channels, n_samples = data.shape
    beside = (across, across + -n_channels % across) if height > 1 else (0, 0)
    padding = beside, (along, along + -n_samples % along)
    padded = [np.pad(values.astype(float), padding) for values in (data, prediction)]
    corners = [
        [(row, column) for column in range(0, padded[0].shape[1] - along, along)]
        for row in range(0, padded[0].shape[0] - (across if height > 1 else 0), across)
    ]
    observed, predicted = (
        np.array([[np.fft.fft2(v[r : r + height, c : c + width] * taper) for r, c in row] for row in corners])
        for v in padded
    )  # (rows, columns, wavenumbers, all frequencies)
    noise = mirrored(wiener.noise[:, None])
    kernel = np.array([1, 2, 1]) / 4
    smooth = {axis: partial(correlate1d, weights=kernel, axis=axis, mode="nearest") for axis in (0, 1)}
    if height == 1:
        del smooth[0]

    def over_frames(power: np.ndarray) -> np.ndarray:
        for over in smooth.values():
            power = over(power)
        return power

    def of_others(power: np.ndarray) -> np.ndarray:
        own = 0.5 ** len(smooth)
        around = (over_frames(power) - own * power) / (1 - own)
        if height > 1:
            around = correlate1d(around, kernel, axis=2, mode="wrap")
        return correlate1d(around[..., : along + 1], np.ones(3) / 3, axis=3, mode="nearest")

    half = of_others(np.abs(observed) ** 2 / noise)
    power = np.abs(predicted) ** 2 / noise
    shown = of_others(power) if height > 1 else over_frames(power)[..., : along + 1]
    at = (
        np.clip(np.log2(np.maximum(shown, 1e-12)) + 10, 0, 19),
        np.clip(2 * (np.log2(np.maximum(half, 1e-12)) + 1.5), 0, 15),
    )
    observation_gain, prediction_weight = (
        mirrored(map_coordinates(table.astype(float), at, order=1))
        for table in (wiener.observation_gain, (1 - wiener.observation_gain) * wiener.prediction_gain)
    )
    result = np.zeros_like(padded[0])
    for row, of_row in zip(corners, prediction_weight * predicted + observation_gain * observed, strict=True):
        for (r, c), spectrum in zip(row, of_row, strict=True):
            result[r : r + height, c : c + width] += np.fft.ifft2(spectrum).real * taper
    return result[beside[0] : beside[0] + n_channels, along : along + n_samples]


def half_sine(length: int) -> np.ndarray:
    return np.sin(np.pi * (np.arange(length) + 0.5) / length)


def mirrored(half: np.ndarray) -> np.ndarray:
    """Return a symmetric function of wavenumber and frequency from its half without negative frequencies."""
    negative = np.roll(half[..., -2:0:-1][:, :, ::-1], 1, axis=2)
    return np.concatenate([half, negative], axis=3)
