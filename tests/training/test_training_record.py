"""Training data are recognised by time and samples, and other data are not."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st

from selfseis.recording import recording_from_array
from selfseis.training.provenance import MAX_PIECES, PIECE, TrainingRecord

RATE, N_SAMPLES = 50.0, 20_000
WHOLE = [(0, N_SAMPLES)]


def noise(seed: int = 0, n_channels: int = 4, n_samples: int = N_SAMPLES) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_channels, n_samples)).astype(np.float32)


def recorded(data: np.ndarray, start: str = "1970-01-01") -> xr.DataArray:
    return recording_from_array(data, RATE, start, distance=np.arange(len(data)) * 10.0)


def training(data: np.ndarray, times: list[tuple[int, int]] | None = None) -> TrainingRecord:
    return TrainingRecord.of(recorded(data), times or [(0, data.shape[1])], range(len(data)))


@given(st.lists(st.integers(0, N_SAMPLES), min_size=2, max_size=8, unique=True))
def test_exactly_the_training_times_are_found(edges: list[int]) -> None:
    edges.sort()
    times = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False) if b - a > 1]
    assume(times)
    assert training(noise(), times).times_in(recorded(noise())) == times


@given(st.integers(0, N_SAMPLES - 3000), st.integers(3000, N_SAMPLES))
def test_training_times_are_found_in_any_part(first: int, length: int) -> None:
    part = recorded(noise()).isel(time=slice(first, first + length))
    (found,) = training(noise(), WHOLE).times_in(part)
    assert found == (0, part.sizes["time"])


def test_one_trained_channel_is_enough() -> None:
    data = noise(n_channels=40)
    known = {piece.channel for piece in training(data).pieces}
    one = [float(name) for name in sorted(known)][3]
    alone = recorded(data).isel(channel=[int(one / 10)])
    assert training(data).times_in(alone) == WHOLE


@pytest.mark.parametrize("station", range(10))
def test_one_station_of_ten_is_enough(station: int) -> None:
    ids = [f"XX.S{number}..HH{component}" for number in range(10) for component in "ENZ"]
    network = recording_from_array(noise(n_channels=30), RATE, seed_id=ids)
    trained = TrainingRecord.of(network, WHOLE, range(30))
    assert trained.times_in(network.isel(channel=slice(3 * station, 3 * station + 3))) == WHOLE


@pytest.mark.parametrize("samples", [0.0, np.nan, 7.0])
def test_silent_samples_identify_nothing(samples: float) -> None:
    trained, other = noise(1), noise(2)
    trained[:, 5000:15_000] = other[:, 5000:15_000] = samples
    assert training(trained).times_in(recorded(other)) == []
    assert training(trained).times_in(recorded(trained)) == WHOLE


def test_other_times_and_other_channels_are_other_data() -> None:
    data = noise()
    assert training(data).times_in(recorded(data, "1970-01-02")) == []
    elsewhere = recording_from_array(data, RATE, distance=5 + np.arange(4) * 10.0)
    assert training(data).times_in(elsewhere) == []


def test_records_are_combined_in_any_order() -> None:
    data = noise()
    both = training(data, [(10_000, 12_000)]) | training(data, [(0, 3000), (11_000, 15_000)])
    assert both.times_in(recorded(data)) == [(0, 3000), (10_000, 15_000)]
    assert TrainingRecord.from_table(*both.as_table()) == both
    assert (both | both) == both


def test_pieces_are_short_and_their_number_is_limited() -> None:
    lengths = [round((p.end - p.begin) * RATE / 1e9) for p in training(noise()).pieces]
    assert min(lengths) > PIECE / 2 and max(lengths) < 2 * PIECE
    long = noise(n_channels=1, n_samples=3 * MAX_PIECES * PIECE)
    assert len(training(long).pieces) == MAX_PIECES
    assert training(long).times_in(recorded(long)) == [(0, long.shape[1])]
