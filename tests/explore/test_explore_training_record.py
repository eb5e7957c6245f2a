"""Evaluation of an explorer on windows outside its training data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from explore_truth import LENGTH, N_WINDOWS, RATE, KnownTruth, planted

from selfseis import Explorer, InputError, Verdict
from selfseis.recording import open_recording, recording_from_array, write_recording

START = "2020-01-01"  # of the planted recordings


def station(*days: KnownTruth) -> xr.DataArray:
    data = np.concatenate([day.data for day in days])
    return recording_from_array(data[None], RATE, START, seed_id=["XX.ONE..HHZ"])


def windows(recording: xr.DataArray, first: int, last: int) -> xr.DataArray:
    return recording.isel(time=slice(first * LENGTH, last * LENGTH))


def test_verdict_on_the_training_data_is_that_of_fit(
    explorer: Explorer, truth: KnownTruth, tmp_path: Path
) -> None:
    assert explorer.verdict_.outcome == "works" and explorer.verdict_.details["training_share"] == 1
    assert explorer.evaluate(truth.recording()) == explorer.verdict_
    explorer.save(tmp_path / "model")
    again = Explorer.load(tmp_path / "model")
    assert again.training_record_ == explorer.training_record_
    write_recording(truth.recording(), tmp_path / "day.mseed")
    assert again.evaluate(open_recording(tmp_path / "day.mseed")) == explorer.verdict_


def test_verdict_on_the_training_data_of_a_fibre_with_gaps_is_that_of_fit() -> None:
    data = np.random.default_rng(0).standard_normal((48, 200 * LENGTH)).astype(np.float32)
    data[:, 30 * LENGTH : 40 * LENGTH] = np.nan
    data[:20, 50 * LENGTH : 60 * LENGTH] = np.nan
    data[7] = 0
    fibre = recording_from_array(data, RATE, distance=np.arange(48) * 2.0)
    of_fibre = Explorer(window=LENGTH / RATE, representation="scattering").fit(fibre)
    assert of_fibre.evaluate(fibre) == of_fibre.verdict_


def test_all_new_windows_are_evaluated(explorer: Explorer) -> None:
    """Other data at the same times also count as new."""
    verdict = explorer.evaluate(planted(5).recording())
    assert verdict.details["training_share"] == 0 and verdict.details["n_windows"] == N_WINDOWS
    assert len(verdict.details["trusted_classes"]) >= 3 and verdict.skill is not None


def test_only_the_new_part_of_an_extended_recording_is_evaluated(
    explorer: Explorer, truth: KnownTruth
) -> None:
    verdict = explorer.evaluate(station(truth, planted(5)))
    assert verdict.details["training_share"] == pytest.approx(0.5)
    assert verdict.details["n_windows"] == N_WINDOWS


def test_part_of_the_training_data_is_not_evaluated(explorer: Explorer, truth: KnownTruth) -> None:
    for part in (windows(truth.recording(), 0, 400), windows(truth.recording(), 300, 700)):
        verdict = explorer.evaluate(part)
        assert (
            verdict.outcome == "cannot_tell" and verdict.reason == Verdict.all_training_data("explore").reason
        )
        assert verdict.details["training_share"] == 1


def test_few_new_windows_give_no_verdict(explorer: Explorer, truth: KnownTruth) -> None:
    grown = windows(station(truth, planted(5)), 0, N_WINDOWS + 20)
    verdict = explorer.evaluate(grown)
    assert verdict.outcome == "cannot_tell" and "Only 20 windows" in verdict.reason
    assert verdict.details["training_share"] == pytest.approx(N_WINDOWS / (N_WINDOWS + 20))


def test_windows_that_overlap_training_data_are_left_out(explorer: Explorer, truth: KnownTruth) -> None:
    both = station(truth, planted(5)).isel(time=slice(LENGTH // 2, None))
    verdict = explorer.evaluate(both)
    assert verdict.details["n_windows"] == N_WINDOWS - 1


def test_model_of_an_older_format_is_refused(explorer: Explorer, tmp_path: Path) -> None:
    explorer.save(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 3}))
    with pytest.raises(InputError, match=r"format 3 instead of explorer, 5.*(train|learn)"):
        Explorer.load(tmp_path / "model")
