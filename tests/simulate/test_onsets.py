"""Onsets and disturbances: times, amplitudes and reproducibility."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.simulate.disturbances import add_disturbance, clip_window
from selfseis.simulate.onsets import OnsetBank, OnsetPrior, WaveletPrior, add_event

BANK = OnsetBank.draw(np.random.default_rng(0), n_wavelets=120, n_samples=1024)


def test_wavelets_begin_at_their_first_sample_and_peak_at_one():
    assert np.abs(BANK.wavelets).max(axis=(1, 2)) == pytest.approx(1.0)
    impulsive = BANK.decay < 100
    early = np.abs(BANK.wavelets[impulsive, :, :400]).max(axis=(1, 2))
    assert (early > 0.5).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_samples_before_p_are_zero(seed):
    window = np.zeros((3, 3000), np.float32)
    onsets = add_event(window, 1.0, OnsetPrior.at(100.0), BANK, np.random.default_rng(seed))
    assert not window[:, : max(onsets.p, 0)].any()
    assert 24 <= onsets.s - onsets.p <= 5401


@given(seed=st.integers(0, 10_000), level=st.floats(1e-9, 1e6))
@settings(max_examples=20, deadline=None)
def test_an_event_scales_with_the_noise(seed, level):
    one, scaled = np.zeros((3, 2000)), np.zeros((3, 2000))
    add_event(one, 1.0, OnsetPrior.at(100.0), BANK, np.random.default_rng(seed))
    add_event(scaled, level, OnsetPrior.at(100.0), BANK, np.random.default_rng(seed))
    np.testing.assert_allclose(scaled, level * one, rtol=1e-5, atol=1e-6 * level)


def test_s_is_more_horizontal_and_p_more_vertical():
    rng = np.random.default_rng(1)
    horizontal_share = {"p": [], "s": []}
    for _ in range(300):
        window = np.zeros((3, 6000), np.float32)
        onsets = add_event(window, 1.0, OnsetPrior(100.0, (10.0, 20.0)), BANK, rng)
        if onsets.p >= 0 and onsets.s + 100 < 6000:
            for phase, at in (("p", onsets.p), ("s", onsets.s)):
                energy = (window[:, at : at + 60] ** 2).sum(axis=1)
                horizontal_share[phase].append(energy[:2].sum() / energy.sum())
    assert np.median(horizontal_share["p"]) < 0.5 < 0.7 < np.median(horizontal_share["s"])


@pytest.mark.parametrize("rate", [20.0, 40.0, 100.0, 500.0])
def test_times_of_the_prior_scale_with_the_rate(rate):
    assert OnsetPrior.at(rate).s_minus_p_samples == pytest.approx((25.0, 5400.0))
    assert OnsetPrior.at(rate, (1.0, 2.0)).s_minus_p_samples == pytest.approx((rate, 2 * rate))


def test_s_of_distant_events_emerges_slowly():
    """The share of the energy of the second after S that its first quarter holds falls with distance."""
    early = {}
    for s_minus_p in ((1.0, 2.0), (40.0, 50.0)):
        prior = OnsetPrior(100.0, s_minus_p, s_over_p=(100.0, 101.0), weak_s_share=0.0, conversion_share=0.0)
        shares = []
        for seed in range(60):
            window = np.zeros((3, 6000), np.float32)
            s = add_event(window, 1.0, prior, BANK, np.random.default_rng(seed)).s
            if 0 <= s < 5900:
                energy = (window[:, s : s + 100] ** 2).sum(axis=0)
                shares.append(energy[:25].sum() / max(energy.sum(), 1e-12))
        early[s_minus_p] = np.median(shares)
    assert early[40.0, 50.0] < 0.5 * early[1.0, 2.0]


def test_s_is_labelled_where_it_exceeds_the_coda_of_p():
    """Without a limit the label is the beginning of S, which the coda hides where S rises slowly."""
    begins, visible = (OnsetPrior(100.0, (5.0, 20.0), min_s_over_coda=limit) for limit in (0.0, 2.0))
    delays, ratios = [], []
    for seed in range(200):
        noise = np.random.default_rng(seed).normal(size=(3, 6000)).astype(np.float32)
        first, window = noise.copy(), noise.copy()
        early = add_event(first, 1.0, begins, BANK, np.random.default_rng(seed))
        onsets = add_event(window, 1.0, visible, BANK, np.random.default_rng(seed))
        np.testing.assert_array_equal(first, window)
        if early.p >= 0 and 100 <= early.s < onsets.s < 5900:
            delays.append(onsets.s - early.s)
            coda = np.sqrt(np.mean(window[:, early.s - 100 : early.s] ** 2, axis=1))
            ratios.append(np.abs(window[:, onsets.s : onsets.s + 10]).max(axis=1) / coda)
    assert len(delays) > 50 and np.median(delays) >= 3
    assert np.median(np.max(ratios, axis=1)) > 2


def test_a_second_p_is_later_and_labelled_only_if_it_is_stronger():
    prior = OnsetPrior(100.0, (10.0, 20.0), second_p_share=1.0)
    drawn = [add_event(np.zeros((3, 3000)), 1.0, prior, BANK, np.random.default_rng(i)) for i in range(60)]
    second = [onsets.second_p - onsets.p for onsets in drawn if onsets.second_p is not None]
    assert 10 < len(second) < 60 and min(second) > 0
    assert all(len(onsets.of_phases[0]) == (1 if onsets.second_p is None else 2) for onsets in drawn)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_disturbances_are_finite_and_deterministic(seed):
    windows = [np.zeros((3, 2500), np.float32) for _ in range(2)]
    for window in windows:
        add_disturbance(window, 2.0, np.random.default_rng(seed))
    assert np.isfinite(windows[0]).all()
    np.testing.assert_array_equal(*windows)


def test_clipping_cuts_both_sides():
    window = np.random.default_rng(0).normal(size=(3, 500)).astype(np.float32)
    largest = np.abs(window).max()
    clip_window(window, np.random.default_rng(0))
    assert np.abs(window).max() <= 0.8 * largest
    assert (np.abs(window) == np.abs(window).max()).sum() > 1


@pytest.mark.parametrize("corner", [0.01, 0.05, 0.2, 0.45])
def test_onsets_have_little_power_below_the_high_pass(corner):
    bank = OnsetBank.draw(np.random.default_rng(0), 60, 2048, high_pass=corner)
    power = (np.abs(np.fft.rfft(bank.wavelets, axis=2)) ** 2).sum(axis=(0, 1))
    below = np.fft.rfftfreq(2048) < 0.35 * corner
    assert power[below].sum() < 0.05 * power.sum()


def test_wavelets_follow_their_prior():
    prior = WaveletPrior(n_bands=1, decay=(2.0, 3.0), rises=(0.0,), rise_shares=(1.0,))
    bank = OnsetBank.draw(np.random.default_rng(0), 20, 512, prior=prior)
    assert len(set(bank.frequency.tolist())) == 1
    assert (bank.decay >= 200).all() and (bank.decay <= 300).all()


def test_s_is_as_large_as_the_prior_states():
    prior = OnsetPrior(100.0, (10.0, 11.0), snr=(10.0, 11.0), s_over_p=(100.0, 101.0), conversion_share=0.0)
    window, rng = np.zeros((3, 6000), np.float32), np.random.default_rng(3)
    onsets = add_event(window, 1.0, prior, BANK, rng)
    assert onsets.p >= 0 and onsets.s < 5000
    assert np.abs(window[:, onsets.s :]).max() > 10 * np.abs(window[:, : onsets.s]).max()


def test_disturbances_are_as_strong_as_asked():
    weak, strong = np.zeros((3, 2500), np.float32), np.zeros((3, 2500), np.float32)
    add_disturbance(weak, 1.0, np.random.default_rng(4), log_strength=(0.0, 0.0))
    add_disturbance(strong, 1.0, np.random.default_rng(4), log_strength=(2.0, 2.0))
    np.testing.assert_allclose(strong, np.exp(2.0) * weak, rtol=1e-5, atol=1e-6)
