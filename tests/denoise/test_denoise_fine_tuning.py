"""Fine-tuning of a model on another recording of the same kind of channels."""

from __future__ import annotations

from copy import copy
from functools import cache

import numpy as np
import pytest
import xarray as xr

from selfseis.denoise import Denoiser
from selfseis.errors import InputError
from selfseis.recording import recording_from_array
from selfseis.simulate import band_limited_noise

RATE, N_CHANNELS, N_SAMPLES = 50.0, 24, 3000
SMALL = {"reach": 4, "max_lag": 5, "max_steps": 50}


def day(
    seed: int, slowness: int = 1, n_samples: int = N_SAMPLES, n_channels: int = N_CHANNELS
) -> xr.DataArray:
    """Return waves that cross a line at some samples per channel, in noise."""
    late = slowness * np.arange(n_channels)
    begin = late.max() - late
    source = band_limited_noise(1, n_samples + begin.max(), RATE, (3, 15), seed)[0]
    waves = [source[first : first + n_samples] for first in begin]
    data = np.array(waves) + band_limited_noise(n_channels, n_samples, RATE, (3, 15), seed + 100)
    return recording_from_array(data, RATE, distance=10.0 * np.arange(n_channels))


def trained(method: str, **parameters: object) -> Denoiser:
    return Denoiser(method, **(SMALL | parameters)).fit(day(1))


@cache
def trained_once(method: str) -> Denoiser:
    return trained(method, blind_zone=0)


def copied(method: str) -> Denoiser:
    return copy(trained_once(method))


@pytest.mark.parametrize("method", ["ridge", "network"])
def test_the_new_model_is_as_good_as_the_old_one_or_better(method: str) -> None:
    tuned = copied(method).fine_tune(day(2, n_samples=1500))
    assert tuned.verdict_.outcome != "no_gain"
    assert tuned.verdict_.skill.low > max(0.0, tuned.verdict_.null.high)
    assert tuned.verdict_.skill.high > tuned.verdict_.details["skill_before"]


def test_skills_with_another_blind_zone_are_not_compared() -> None:
    tuned = copied("ridge").set_params(blind_zone=2).fine_tune(day(2))
    assert "skill_before" not in tuned.verdict_.details


def test_a_short_recording_gains_from_earlier_training() -> None:
    short = day(3, n_samples=400)
    alone = Denoiser("ridge", **SMALL, blind_zone=0).fit(short)
    tuned = copied("ridge").fine_tune(short)
    elsewhere = day(4)
    assert tuned.evaluate(elsewhere).skill.value > alone.evaluate(elsewhere).skill.value


def test_other_waves_lead_to_a_new_filter() -> None:
    tuned = copied("ridge").fine_tune(day(5, slowness=-1))
    assert tuned.verdict_.skill.value > tuned.verdict_.details["skill_before"] + 0.2
    assert tuned.verdict_.outcome == "works"


def test_the_network_starts_from_its_weights() -> None:
    tuned = copied("network").fine_tune(day(1))
    assert tuned.progress_.max_steps < 50 // 4
    assert tuned.progress_.history[0][1] == pytest.approx(
        trained_once("network").progress_.best_loss, rel=0.05
    )


def test_levels_are_measured_again() -> None:
    louder = day(2)
    tuned = copied("ridge").fine_tune((7 * louder).assign_attrs(louder.attrs))
    np.testing.assert_allclose(
        tuned.conditioner_.scale / trained_once("ridge").conditioner_.scale, 7, rtol=0.2
    )


def test_another_blind_zone_and_other_channels_are_allowed() -> None:
    for denoiser, zone in ((copied("network"), 2), (trained("ridge", blind_zone=2), 0)):
        denoiser.set_params(blind_zone=zone).fine_tune(day(2, n_channels=20))
        assert denoiser.blind_zone_ == zone and len(denoiser.gain_) == 20
        assert np.isfinite(denoiser.verdict_.skill.value)


def test_a_model_of_stations_is_fine_tuned() -> None:
    def stations(seed: int, n_samples: int) -> xr.DataArray:
        codes = [f"XX.S{i:02d}.00.HHZ" for i in range(8)]
        return recording_from_array(day(seed, n_samples=n_samples).values[:8], RATE, seed_id=codes)

    short = stations(3, 400)
    tuned = Denoiser(max_lag=8).fit(stations(1, 6000)).fine_tune(short)
    alone = Denoiser(max_lag=8).fit(short)
    elsewhere = stations(4, 4000)
    assert tuned.evaluate(elsewhere).skill.value > alone.evaluate(elsewhere).skill.value
    with pytest.raises(InputError, match="other stations"):
        tuned.fine_tune(short.isel(channel=slice(0, 5)))


def test_unusable_recordings_are_refused_and_the_model_stays() -> None:
    denoiser = copied("ridge")
    before = dict(vars(denoiser))
    other = recording_from_array(day(2).values, 2 * RATE, distance=10.0 * np.arange(N_CHANNELS))
    with pytest.raises(InputError, match="trained at 50 Hz"):
        denoiser.fine_tune(other)
    with pytest.raises(InputError, match="no data to train on"):
        denoiser.fine_tune(day(2).where(False))
    assert vars(denoiser) == before


def test_an_unfitted_denoiser_cannot_be_fine_tuned() -> None:
    with pytest.raises(AttributeError):
        Denoiser().fine_tune(day(1))
