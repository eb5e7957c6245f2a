"""Training of the picker on unusual input: no false claim of skill, or a clear refusal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from selfseis.errors import InputError
from selfseis.pick import Picker
from selfseis.recording import recording_from_array
from selfseis.simulate import simulate_noise_recording
from short_options import SHORT_PICKER

RATE = 100.0
N_SAMPLES = 20_000


def stations(data: np.ndarray, codes: str = "ENZ") -> xr.DataArray:
    names = [f"XX.S{row // len(codes):02d}..HH{codes[row % len(codes)]}" for row in range(len(data))]
    return recording_from_array(data.astype(np.float32), RATE, seed_id=names)


def noise(n_channels: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n_channels, N_SAMPLES))


def damaged() -> np.ndarray:
    """A dead station, a dead channel, and a sample missing every 7 s: 28 pieces per channel."""
    data = noise(9)
    data[[0, 3, 4, 5]] = 0
    data[:, ::700] = np.nan
    return data


def swarm() -> np.ndarray:
    """An event at both stations every ten seconds."""
    random, data = np.random.default_rng(1), noise()
    for at in range(300, N_SAMPLES - 1000, 1000):
        for phase, size in ((0, 8), (200, 15)):
            fading = size * np.exp(-np.arange(700) / 150)
            data[:, at + phase : at + phase + 700] += fading * random.normal(size=(6, 700))
    return data


UNUSUAL: dict[str, Callable[[], xr.DataArray]] = {
    "one component": lambda: stations(noise(2), "Z"),
    "unknown component codes, very small numbers": lambda: stations(1e-9 * noise(), "ABC"),
    "horizontals only, an offset and very large numbers": lambda: stations(1e9 + 1e6 * noise(4), "12"),
    "dead channels and gaps": lambda: stations(damaged()),
    "an event every ten seconds": lambda: stations(swarm()),
}


@pytest.mark.parametrize("kind", UNUSUAL)
def test_training_on_unusual_input_claims_no_skill(kind: str) -> None:
    recording = UNUSUAL[kind]()
    picker = Picker(rounds=1, options=SHORT_PICKER).fit(recording)
    assert picker.verdict_.outcome in ("no_gain", "cannot_tell")
    picks = picker.pick(recording, min_probability=0.3)
    assert all(0 <= pick.probability <= 1 and pick.sd_s > 0 for pick in picks)
    live = {
        name for name, row in zip(recording["seed_id"].values, recording.values, strict=True) if row.any()
    }
    assert {pick.seed_id for pick in picks} <= live


def test_training_without_events_claims_no_skill() -> None:
    recording = simulate_noise_recording("white", "network", 0.1, RATE, 6, 0, components="ENZ").load()
    picker = Picker(rounds=2, options=SHORT_PICKER).fit(recording)
    assert picker.verdict_.outcome in ("no_gain", "cannot_tell")
    assert picker.rounds_[-1].stage.endswith("too few events to train on")
    assert picker.rounds_[-1].positives == 0


def test_several_sensors_of_one_site_are_a_single_station() -> None:
    names = [f"XX.A.{location}.HHZ" for location in ("00", "10")]
    recording = recording_from_array(noise(2).astype(np.float32), RATE, seed_id=names)
    verdict = Picker(rounds=1, options=SHORT_PICKER).fit(recording).verdict_
    assert verdict.outcome == "cannot_tell" and "single station" in verdict.reason


def test_pieces_shorter_than_any_window_are_refused_in_one_line() -> None:
    data = noise()
    data[:, (np.arange(N_SAMPLES) % 1000) > 500] = np.nan
    with pytest.raises(InputError, match=r"no training data: no station has .* s without a gap"):
        Picker(rounds=0, options=SHORT_PICKER).fit(stations(data))


def test_nothing_but_dead_channels_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"no training data: .* a dead channel"):
        Picker(rounds=0, options=SHORT_PICKER).fit(stations(np.zeros((3, N_SAMPLES))))
