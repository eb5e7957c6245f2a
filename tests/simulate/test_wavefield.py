"""Wavefields: arrival times, polarity, attenuation and coda."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from selfseis.simulate import Coda, PointSource, fibre_event, network_event, random_source
from selfseis.simulate.fibre import straight_fibre
from selfseis.simulate.source import far_field, moment_tensor, pulse_spectrum, rays

RATE = 200.0
DISTANCE = np.arange(0.0, 4000.0, 20.0)
SOURCE = PointSource((2000.0, 300.0, -1500.0), 1.0, corner_frequency=10.0, pulse="ricker", qp=1e9, qs=1e9)


def fibre_without_coda(source: PointSource, coordinates=DISTANCE, **keywords):
    options = {"coda": None, "site_spread": 0.0} | keywords
    return fibre_event(coordinates, 1200, RATE, source, np.random.default_rng(0), **options)


def around(waveforms: np.ndarray, seconds: np.ndarray, width: float = 0.1) -> np.ndarray:
    """Peak of each channel within `width` s of a time."""
    times = np.arange(waveforms.shape[-1]) / RATE
    near = np.abs(times - seconds[:, None]) < width
    return np.where(near, np.abs(waveforms), 0).max(axis=1)


def test_arrival_times_are_distance_over_velocity() -> None:
    event = fibre_without_coda(SOURCE)
    ray_lengths = np.sqrt((DISTANCE - 2000) ** 2 + 300**2 + 1500**2)
    np.testing.assert_allclose(event.arrivals["P"], 1 + ray_lengths / SOURCE.vp)
    np.testing.assert_allclose(event.arrivals["S"], 1 + ray_lengths / SOURCE.vs)


def test_the_largest_amplitudes_lie_at_the_arrivals() -> None:
    event = fibre_without_coda(SOURCE)
    loud = np.abs(event.waveforms).max(axis=1) > 0.1
    peak_times = np.abs(event.waveforms).argmax(axis=1) / RATE
    off = np.minimum(np.abs(peak_times - event.arrivals["P"]), np.abs(peak_times - event.arrivals["S"]))
    assert loud.sum() > 100 and off[loud].max() < 0.06


def test_samples_before_p_are_zero() -> None:
    event = fibre_without_coda(replace(SOURCE, pulse="brune"), coda=Coda(decay=1.0))
    times = np.arange(1200) / RATE
    early = times < event.arrivals["P"][:, None] - 0.05
    assert np.abs(event.waveforms[early]).max() < 0.02 * np.abs(event.waveforms).max()
    assert not event.active[times < event.arrivals["P"][:, None] - 1].any()


def test_moveout_is_a_hyperbola_and_not_a_plane() -> None:
    arrivals = fibre_without_coda(SOURCE).arrivals["P"]
    bend = arrivals - np.polyval(np.polyfit(DISTANCE, arrivals, 1), DISTANCE)
    assert np.ptp(bend) > 0.05
    squared = (arrivals - 1) ** 2
    residual = squared - np.polyval(np.polyfit(DISTANCE, squared, 2), DISTANCE)
    assert np.abs(residual).max() < 1e-9


def test_s_vanishes_and_changes_sign_where_the_ray_is_perpendicular_to_the_fibre() -> None:
    # the sensitivity (d . u)(d . k) vanishes with d . k
    event = fibre_without_coda(replace(SOURCE, position=(2000.0, 0.0, -1500.0), strike=0, dip=90, rake=90))
    amplitudes = around(event.waveforms, event.arrivals["S"])
    apex = int(np.argmin(np.abs(DISTANCE - 2000)))
    assert amplitudes[apex] < 0.02 * amplitudes.max()
    left, right = (event.waveforms[c, round(event.arrivals["S"][c] * RATE)] for c in (apex - 20, apex + 20))
    assert left * right < 0


@pytest.mark.parametrize("phase", ["P", "S"])
def test_fibre_sensitivity_of_a_plane_wave_is_cos_squared_or_half_sine_of_twice_the_angle(phase) -> None:
    for angle in np.radians([10.0, 35.0, 60.0, 80.0]):
        ray = np.array([np.cos(angle), 0.0, np.sin(angle)])
        source = replace(SOURCE, position=tuple(-1e7 * ray), origin_time=0, strike=20, dip=50, rake=40)
        receivers = straight_fibre([-1.0, 0.0, 1.0])
        lengths, directions = rays(source.position, receivers)
        displacement = far_field(source, phase, lengths, directions)[1]
        polarisation = ray if phase == "P" else np.array([-np.sin(angle), 0.0, np.cos(angle)])
        strength = displacement @ polarisation
        expected = np.cos(angle) ** 2 if phase == "P" else -np.sin(2 * angle) / 2
        out_of_plane = displacement - strength * polarisation
        assert displacement[0] * directions[1, 0] == pytest.approx(strength * expected, rel=1e-6)
        assert abs(out_of_plane[0]) < 1e-6 * np.linalg.norm(displacement)


def test_a_bend_turns_the_sensitivity() -> None:
    along_x = straight_fibre(np.arange(50) * 20.0)
    along_y = along_x[:, [1, 0, 2]]
    source = replace(SOURCE, position=(-8000.0, 480.0, -10.0), origin_time=-1.0, strike=10, dip=90, rake=0)
    bent = np.concatenate([along_x - along_x[-1], along_y + np.array([0.0, 20.0, 0.0])])
    event = fibre_without_coda(source, bent)
    p = around(event.waveforms, event.arrivals["P"], 0.05)
    assert p[70:].max() < 0.02 * p[:48].max()


def test_the_gauge_cancels_wavelengths_equal_to_its_length() -> None:
    source = PointSource(
        (-40_000.0, 0.0, -1.0), -7.0, 10, 90, 0, 10.0, 5000.0, 2500.0, 1e9, 1e9, pulse="ricker"
    )
    point, gauge = (fibre_without_coda(source, DISTANCE[:40], gauge_length=length) for length in (0.0, 250.0))
    times = np.arange(1200) / RATE
    spectra = []
    for event in (point, gauge):
        p = event.waveforms[20] * (np.abs(times - event.arrivals["P"][20]) < 0.5)
        spectra.append(np.abs(np.fft.rfft(p)))
    frequencies = np.fft.rfftfreq(1200, 1 / RATE)
    ratio = spectra[1] / spectra[0]
    at = {f: ratio[np.argmin(np.abs(frequencies - f))] for f in (5.0, 10.0, 20.0)}
    delay = 250.0 / 5000.0
    assert at[10.0] / at[5.0] == pytest.approx(np.sinc(10 * delay) / np.sinc(5 * delay), rel=0.05)
    assert at[20.0] < 0.05 * at[5.0]


def test_attenuation_makes_far_channels_poorer_in_high_frequencies() -> None:
    source = replace(SOURCE, position=(-500.0, 0.0, -100.0), origin_time=0.2, qp=20.0, qs=20.0, pulse="brune")
    event = fibre_without_coda(source)
    frequencies = np.fft.rfftfreq(1200, 1 / RATE)

    def share(channel: int) -> float:
        power = np.abs(np.fft.rfft(event.waveforms[channel])) ** 2
        return float(power[frequencies > 20].sum() / power.sum())

    assert share(-1) < 0.5 * share(5)


def test_coda_decays_and_is_partly_coherent_between_neighbours() -> None:
    rng = np.random.default_rng(3)
    coda = Coda(level=0.5, decay=1.0, scatterers=400)
    event = fibre_event(DISTANCE, 1600, RATE, SOURCE, rng, coda=coda, site_spread=0.0)
    start = int(RATE * event.arrivals["S"].max()) + 30
    early, late = event.waveforms[:, start : start + 200], event.waveforms[:, start + 400 : start + 600]
    fall = np.log(early.std() / late.std())
    assert 1.2 < fall < 3.5  # 2 s at a decay time of 1 s: 2, give or take a few strong scatterers
    near = np.mean([np.corrcoef(early[c], early[c + 1])[0, 1] for c in range(0, 190, 5)])
    far = np.mean([np.corrcoef(early[c], early[c + 100])[0, 1] for c in range(0, 99, 5)])
    assert near > 0.5 > 0.25 > abs(far)


def test_an_event_outside_the_window_leaves_zeros() -> None:
    for origin in (8.0, -40.0):
        event = fibre_without_coda(replace(SOURCE, origin_time=origin))
        assert not event.active.any()
        assert np.abs(event.waveforms).max() == 0


def test_a_shorter_window_cuts_the_same_waveforms() -> None:
    rng = np.random.default_rng
    long, short = (
        fibre_event(DISTANCE, n, RATE, SOURCE, rng(1), coda=None, site_spread=0.0).waveforms
        for n in (1200, 400)
    )
    scale = long[:, :400].ravel() @ short.ravel() / (short.ravel() @ short.ravel())
    np.testing.assert_allclose(long[:, :400], scale * short, atol=2e-3)


def test_a_single_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="two channels"):
        fibre_event([0.0], 100, RATE, SOURCE, np.random.default_rng(0))


def test_network_p_points_along_the_ray_and_s_across_it() -> None:
    stations = np.array([[5000.0, 0, 0], [0, 6000.0, 0], [-4000.0, 3000.0, 0]])
    source = PointSource((500.0, -200.0, -4000.0), 0.5, corner_frequency=8.0, pulse="ricker", qp=1e9, qs=1e9)
    event = network_event(stations, 800, RATE, source, np.random.default_rng(1), coda=None)
    _, directions = rays(source.position, stations)
    assert event.waveforms.shape == (3, 3, 800) and event.active.shape == (3, 3, 800)
    for station in range(3):
        at = {phase: round(times[station] * RATE) for phase, times in event.arrivals.items()}
        p, s = (event.waveforms[station, :, at[phase]] for phase in ("P", "S"))
        assert abs(p @ directions[station]) == pytest.approx(np.linalg.norm(p), rel=0.01)
        assert abs(s @ directions[station]) < 0.05 * np.linalg.norm(s)


def test_network_coda_starts_at_p_and_decays() -> None:
    stations = np.array([[5000.0, 0, 0], [0, 6000.0, 0]])
    source = PointSource((0.0, 0.0, -4000.0), 0.5, corner_frequency=8.0)
    event = network_event(stations, 3000, RATE, source, np.random.default_rng(1), coda=Coda(decay=2.0))
    start = int(event.arrivals["S"].max() * RATE) + 50
    early, late = (event.waveforms[..., start + lag : start + lag + 400].std() for lag in (0, 800))
    assert np.log(early / late) == pytest.approx(2.0, abs=0.4)  # 4 s at a decay time of 2 s
    times = np.arange(3000) / RATE
    early_samples = np.broadcast_to(
        (times < event.arrivals["P"][:, None] - 0.1)[:, None], event.waveforms.shape
    )
    assert np.abs(event.waveforms[early_samples]).max() < 0.01


def test_moment_tensors_are_double_couples() -> None:
    for strike, dip, rake in ((0, 90, 0), (30, 60, -70), (211, 12, 130)):
        tensor = moment_tensor(strike, dip, rake)
        np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(tensor)), [-1, 0, 1], atol=1e-12)
    np.testing.assert_allclose(moment_tensor(0, 90, 0), [[0, 1, 0], [1, 0, 0], [0, 0, 0]], atol=1e-12)


def test_thrust_lifts_the_ground_above_it() -> None:
    tensor = moment_tensor(0, 45, 90)
    assert tensor[2, 2] == pytest.approx(1)


def test_brune_falls_to_half_at_its_corner() -> None:
    assert abs(pulse_spectrum("brune", 5.0, np.array([5.0]))[0]) == pytest.approx(0.5)


def test_random_sources_lie_below_within_the_distance_range() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        source = random_source(rng, [[0.0, 0, 0]], 0.0, distances=(1e3, 1e4), corner_frequencies=(2.0, 20.0))
        assert 999 < np.linalg.norm(source.position) < 10_001
        assert source.position[2] < 0 and 2 <= source.corner_frequency <= 20
        assert 1.64 < source.vp / source.vs < 1.91


def test_wavefields_are_deterministic_by_seed() -> None:
    first, again, other = (
        fibre_event(DISTANCE, 400, RATE, SOURCE, np.random.default_rng(seed)).waveforms for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_random_sources_lie_within_the_ranges_that_are_given():
    rng, receivers = np.random.default_rng(0), np.zeros((1, 3))
    ranges = {"distances": (1e3, 2e3), "corner_frequencies": (2.0, 2.0)}
    for _ in range(20):
        source = random_source(
            rng,
            receivers,
            0.0,
            **ranges,
            vp=(1500.0, 1600.0),
            vp_over_vs=(3.0, 3.0),
            kappa_corners=(2.0, 2.0),
        )
        assert 1500 <= source.vp <= 1600 and source.vs == pytest.approx(source.vp / 3)
        assert source.kappa == pytest.approx(1 / (4 * np.pi))
