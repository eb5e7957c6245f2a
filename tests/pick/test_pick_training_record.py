"""Evaluation of a picker without its training data: at test times of its own recording, at all times of others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from sklearn.base import clone
from torch import Tensor

from selfseis.errors import InputError
from selfseis.pick import Picker
from selfseis.pick.evaluate import AT_STATIONS, MEASURE
from selfseis.pick.picker import INJECTION_TEST
from selfseis.recording import open_recording, recording_from_array, write_recording
from selfseis.validation import Verdict
from short_options import SHORT_PICKER
from standing_in import RiseOfEnergy

RATE, WINDOW, START = 100.0, 1536, "2024-05-01T06:00:00"
BLOCK = 4 * WINDOW
DAY = 32 * BLOCK  # samples of the recordings below
S_MINUS_P = 300  # samples
OPTIONS = SHORT_PICKER.with_options(
    split={"max_window": WINDOW, "max_fibre_channels": 8}, evaluation={"n_shifts": 10}
)


class OfBoth(RiseOfEnergy):
    """Stands in for a trained network: P at a rise of energy, and S always as long after it."""

    def forward(self, windows: Tensor) -> Tensor:
        p = super().forward(windows)[:, :1]
        s = torch.cat([torch.full_like(p[..., :S_MINUS_P], -9.0), p[..., :-S_MINUS_P]], dim=-1)
        return torch.cat([p, s], dim=1)


def shaken(n_channels: int, seed: int, n_samples: int = DAY) -> np.ndarray:
    """Return noise with a burst in each block that begins on all channels at once, and others that do not."""
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(n_channels, n_samples)).astype(np.float32)
    for first in range(0, n_samples - BLOCK + 1, BLOCK):
        together = rng.integers(700, BLOCK - 2000)
        for channel in range(n_channels):
            for at in (together, rng.integers(700, BLOCK - 2000)):
                data[channel, first + at :][:400] += 30 * rng.normal(size=400) * np.exp(-np.arange(400) / 80)
    return data


def network(data: np.ndarray, start: str = START) -> xr.DataArray:
    return recording_from_array(data, RATE, start, seed_id=[f"XX.S{n:02d}..HHZ" for n in range(len(data))])


@pytest.fixture(scope="module")
def day() -> xr.DataArray:
    return network(shaken(5, 1))


def fitted(recording: xr.DataArray) -> Picker:
    """Fit a picker in a few steps, which is enough for its training record."""
    return Picker(rounds=0, options=OPTIONS).fit(recording)


def detecting(picker: Picker) -> Picker:
    """Return a picker with the same training record and a network that detects the events."""
    other = clone(picker)
    other.model_ = replace(picker.model_, net=OfBoth())
    return other


@pytest.fixture(scope="module")
def hardly_trained(day: xr.DataArray) -> Picker:
    return fitted(day)


@pytest.fixture(scope="module")
def trained(hardly_trained: Picker) -> Picker:
    return detecting(hardly_trained)


def training_share(verdict: Verdict) -> float:
    return verdict.details["training_share"]


def test_the_verdict_on_the_training_recording_is_that_of_fit(
    hardly_trained: Picker, trained: Picker, day: xr.DataArray
) -> None:
    assert hardly_trained.evaluate(day) == hardly_trained.verdict_
    assert training_share(hardly_trained.verdict_) == pytest.approx(7 / 8)
    verdict = trained.evaluate(day)
    assert verdict.skill is not None and verdict.n_blocks == 8
    assert training_share(verdict) == pytest.approx(7 / 8)
    assert verdict.measure == AT_STATIONS and INJECTION_TEST in verdict.details


def test_the_same_holds_for_two_stations_with_gaps_and_a_dead_channel() -> None:
    data = shaken(4, 2)
    data[0, 5 * BLOCK : 9 * BLOCK] = np.nan
    data[:, 20 * BLOCK : 21 * BLOCK] = np.nan
    data[3] = 0
    ids = [f"XX.{station}..HH{component}" for station in ("ONE", "TWO") for component in "NZ"]
    recording = recording_from_array(data, RATE, START, seed_id=ids)
    of_two = fitted(recording)
    assert of_two.evaluate(recording) == of_two.verdict_
    assert training_share(of_two.verdict_) == pytest.approx(7 / 8)
    assert detecting(of_two).evaluate(recording).measure == MEASURE


def test_the_same_holds_for_a_fibre_with_some_training_channels() -> None:
    data = shaken(12, 3, DAY // 4)
    data[4] = 0
    fibre = recording_from_array(data, RATE, START, distance=100.0 * np.arange(12))
    of_fibre = fitted(fibre)
    assert of_fibre.evaluate(fibre) == of_fibre.verdict_
    assert training_share(of_fibre.verdict_) == pytest.approx(7 / 8)


def test_all_of_new_times_and_all_stations_are_evaluated(trained: Picker) -> None:
    verdict = trained.evaluate(network(shaken(5, 4), "2024-05-02T06:00:00"))
    assert training_share(verdict) == 0 and verdict.n_blocks == 32
    assert verdict.measure == MEASURE and INJECTION_TEST not in verdict.details


def test_all_of_other_data_at_the_same_times_is_evaluated(trained: Picker) -> None:
    assert training_share(trained.evaluate(network(shaken(5, 4)))) == 0


def test_the_new_part_of_a_recording_that_grew_is_evaluated_too(trained: Picker, day: xr.DataArray) -> None:
    grown = network(np.concatenate([day.values, shaken(5, 4)], axis=1))
    verdict = trained.evaluate(grown)
    assert training_share(verdict) == pytest.approx(7 / 16)
    assert verdict.measure == AT_STATIONS and verdict.n_blocks > 16


def test_the_test_times_of_a_part_are_evaluated(trained: Picker, day: xr.DataArray) -> None:
    first = BLOCK + 77  # in the midst of a piece
    verdict = trained.evaluate(day.isel(time=slice(first, first + 16 * BLOCK)))
    assert training_share(verdict) == pytest.approx(7 / 8, abs=0.001)
    assert training_share(trained.evaluate(day.isel(channel=[1, 4]))) == pytest.approx(7 / 8)


def test_the_verdict_on_training_data_only_is_cannot_tell(trained: Picker, day: xr.DataArray) -> None:
    verdict = trained.evaluate(day.isel(time=slice(0, 3 * BLOCK)))
    assert verdict.outcome == "cannot_tell" and "trained on all of these times" in verdict.reason
    assert training_share(verdict) == 1


def test_the_verdict_on_a_record_without_test_times_is_cannot_tell() -> None:
    short = network(shaken(2, 5, 3 * BLOCK))
    verdict = fitted(short).verdict_
    assert verdict.outcome == "cannot_tell" and "trained on all of these times" in verdict.reason
    assert verdict.details[INJECTION_TEST]["P"]["number"] > 0


def changed(folder: Path, **values: Any) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values | {"checksum": None}))


def test_the_training_record_is_stored_with_the_model(
    hardly_trained: Picker, day: xr.DataArray, tmp_path: Path
) -> None:
    hardly_trained.save(tmp_path / "model")
    again = Picker.load(tmp_path / "model")
    assert again.training_record_ == hardly_trained.training_record_
    write_recording(day, tmp_path / "day.mseed")
    assert again.evaluate(open_recording(tmp_path / "day.mseed")) == hardly_trained.verdict_
    changed(tmp_path / "model", format=1)
    with pytest.raises(InputError, match=r"format 1.*train it again"):
        Picker.load(tmp_path / "model")
