"""The semi-synthetic records: known truth, stated signal-to-noise ratios, all kinds of wavefield."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.denoise_data import FORGE, LEVELS, POROTOMO, SCENARIOS, Scenario, make_records
from benchmarks.denoise_wavefields import KINDS, Fibre

from selfseis.errors import InputError

SIMULATED = [kind for kind in KINDS if kind != "real event"]
FIBRES = {"FORGE": Fibre(FORGE, 1.0, 48, 2048), "PoroTomo": Fibre(POROTOMO, 10.0, 48, 2048)}


@pytest.mark.parametrize("site", FIBRES)
@pytest.mark.parametrize("kind", SIMULATED)
def test_a_wavefield_is_where_it_is_said_to_be(kind: str, site: str) -> None:
    signal = KINDS[kind](FIBRES[site], np.random.default_rng(3))
    power = signal.waveforms.astype(float) ** 2
    assert signal.waveforms.shape == signal.active.shape == (48, 2048)
    assert power[signal.active].sum() > 0.8 * power.sum() > 0
    arrivals = signal.p_samples[np.isfinite(signal.p_samples)]
    before = np.arange(2048) < np.nan_to_num(signal.p_samples, nan=0)[:, None] - 128
    assert ((arrivals > 0) & (arrivals < 2048)).all()
    assert power[before].sum() < 0.02 * power.sum() or kind in ("two earthquakes", "body and surface waves")


@pytest.mark.parametrize("kind", SIMULATED)
def test_a_wavefield_is_the_same_for_the_same_seed(kind: str) -> None:
    first, second, other = (KINDS[kind](FIBRES["FORGE"], np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.waveforms, second.waveforms)
    assert not np.array_equal(first.waveforms, other.waveforms)


def test_polarity_and_moveout_break_where_the_fibre_turns() -> None:
    rng = np.random.default_rng(0)
    fibre = FIBRES["PoroTomo"]
    heading = np.diff(fibre.bent(rng), axis=0)
    assert np.allclose(np.linalg.norm(heading, axis=1), fibre.spacing)
    cosines = np.sum(heading[1:] * heading[:-1], axis=1) / fibre.spacing**2
    assert (cosines < 0.6).sum() == 2


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    try:
        FORGE.short_noise()
        POROTOMO.short_noise()
    except InputError as error:
        pytest.skip(str(error))
    return SCENARIOS[1]


def test_records_have_the_levels_that_they_are_said_to_have(scenario: Scenario) -> None:
    records = make_records(scenario, 0)
    assert sorted(records.kinds) == sorted(KINDS)
    np.testing.assert_allclose(np.mean(records.noise.astype(float) ** 2), 1, rtol=1e-3)
    for truth, noise, active, level in zip(records.truth, records.noise, records.active, LEVELS, strict=True):
        ratio = np.mean(truth[active].astype(float) ** 2) / np.mean(noise[active].astype(float) ** 2)
        # The fade at the ends of a record comes before the scaling, so nothing is lost after it.
        np.testing.assert_allclose(10 * np.log10(ratio), level, atol=0.01)
        assert np.abs(truth[:, [0, -1]]).max() < 0.02 * np.abs(truth).max()


def test_noise_shares_with_its_neighbours_what_the_scenario_says(scenario: Scenario) -> None:
    def shared(of: Scenario, apart: int) -> float:
        noise = of.noise(4096, 1)
        return float(np.mean(noise[apart:] * noise[:-apart]))

    incoherent, gauge, laser = SCENARIOS[0], SCENARIOS[1], SCENARIOS[4]
    assert abs(shared(incoherent, 1)) < 0.05
    assert shared(gauge, 3) > 0.4 > shared(gauge, 60) + 0.3
    assert shared(laser, 60) > 0.4
