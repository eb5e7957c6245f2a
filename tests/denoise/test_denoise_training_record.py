"""Exclusion of training data from the evaluation: in whole, in part, in another format, after fine-tuning."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from selfseis.denoise import Denoiser, DenoiserOptions
from selfseis.denoise.prediction import live_channels
from selfseis.denoise.training_data import held_out_spans, training_record_of, training_spans
from selfseis.recording import RecordingWriter, open_recording, recording_from_array
from selfseis.recording.preprocessing import Conditioner
from selfseis.simulate import band_limited_noise
from selfseis.training.provenance import PIECE
from selfseis.validation import Verdict

RATE, N_CHANNELS, N_SAMPLES = 50.0, 16, 24_000
N_PATCHES = DenoiserOptions().training_data.n_patches
START = "2024-05-01T06:00:00"
STATIONS = [f"XX.S{number:02d}.00.HHZ" for number in range(N_CHANNELS)]


@cache
def samples(seed: int = 1, n_samples: int = N_SAMPLES) -> np.ndarray:
    """Return waves that cross a line at one sample per channel, in noise."""
    source = band_limited_noise(1, n_samples + N_CHANNELS, RATE, (3, 15), seed)[0]
    waves = [source[N_CHANNELS - c : N_CHANNELS - c + n_samples] for c in range(N_CHANNELS)]
    return np.float32(np.array(waves) + band_limited_noise(N_CHANNELS, n_samples, RATE, (3, 15), seed + 100))


def fibre(data: np.ndarray, start: str = START) -> xr.DataArray:
    return recording_from_array(data, RATE, start, distance=10.0 * np.arange(len(data)))


def untrained_denoiser(method: str = "ridge", **parameters: object) -> Denoiser:
    small = {"reach": 4, "max_lag": 5, "blind_zone": 0, "max_steps": 20, "fusion": False}
    return Denoiser(method, **(small | parameters))


@cache
def trained() -> Denoiser:
    return untrained_denoiser().fit(fibre(samples()))


def training_share(verdict: Verdict) -> float:
    return verdict.details["training_share"]


@pytest.mark.parametrize("method", ["ridge", "network"])
def test_evaluation_on_the_training_recording_equals_the_verdict_of_the_fit(method: str) -> None:
    data = samples()[:, :6000].copy()
    data[3] = 0
    data[5, 2000:2600] = np.nan
    data[:, 4000:4300] = np.nan
    denoiser = untrained_denoiser(method).fit(fibre(data))
    assert denoiser.evaluate(fibre(data)) == denoiser.verdict_
    assert training_share(denoiser.verdict_) == pytest.approx(5 / 6, abs=0.05)


def test_the_same_holds_for_stations_and_with_a_common_mode() -> None:
    data = samples()[:, :6000]
    stations = recording_from_array(data, RATE, START, seed_id=STATIONS)
    of_stations = untrained_denoiser().fit(stations)
    assert of_stations.evaluate(stations) == of_stations.verdict_
    noise = band_limited_noise(48, 6000, RATE, (3, 15), 5) + band_limited_noise(1, 6000, RATE, (3, 15), 6)
    with_common_mode = untrained_denoiser().fit(fibre(noise))
    assert with_common_mode.common_share_ > 0
    assert with_common_mode.evaluate(fibre(noise)) == with_common_mode.verdict_


def test_the_same_holds_where_only_some_spans_are_read() -> None:
    some = DenoiserOptions().with_options(training_data={"n_spans": 3, "span_samples": 2000})
    denoiser = untrained_denoiser(options=some).fit(fibre(samples()))
    assert denoiser.evaluate(fibre(samples())) == denoiser.verdict_
    between = fibre(samples()).isel(time=slice(3000, 10_000))
    assert training_share(denoiser.evaluate(between)) == 0


def test_new_times_are_evaluated_completely() -> None:
    verdict = trained().evaluate(fibre(samples(seed=2), "2024-05-02T06:00:00"))
    assert training_share(verdict) == 0 and verdict.outcome == "works"
    assert verdict.n_blocks >= 4 * trained().verdict_.n_blocks


@pytest.mark.parametrize("n_samples", [N_SAMPLES, 9000])
def test_other_data_at_the_same_default_times_are_evaluated_completely(n_samples: int) -> None:
    denoiser = untrained_denoiser().fit(
        recording_from_array(samples(), RATE, distance=10.0 * np.arange(N_CHANNELS))
    )
    other = recording_from_array(samples(2, n_samples), RATE, distance=10.0 * np.arange(N_CHANNELS))
    assert training_share(denoiser.evaluate(other)) == 0


def test_the_new_part_of_a_grown_recording_is_evaluated() -> None:
    grown = fibre(np.concatenate([samples(), samples(seed=2)], axis=1))
    assert training_share(trained().evaluate(grown)) == pytest.approx(5 / 12, abs=0.05)


def test_the_held_out_times_of_a_part_are_evaluated() -> None:
    first = N_PATCHES * 100 + 77  # in the midst of a piece
    part = fibre(samples()).isel(time=slice(first, first + 9000))
    verdict = trained().evaluate(part)
    assert training_share(verdict) == pytest.approx(5 / 6, abs=0.1)
    assert verdict.skill.value == pytest.approx(trained().verdict_.skill.value, abs=0.05)


def test_the_held_out_times_of_some_channels_are_evaluated() -> None:
    part = fibre(samples()).isel(channel=slice(6, 15))
    assert training_share(trained().evaluate(part)) == pytest.approx(5 / 6, abs=0.05)


def test_other_channels_at_the_same_times_are_other_data() -> None:
    elsewhere = recording_from_array(samples(), RATE, START, distance=5.0 + 10.0 * np.arange(N_CHANNELS))
    assert training_share(trained().evaluate(elsewhere)) == 0


def test_training_data_alone_cannot_be_evaluated() -> None:
    spans = training_spans(fibre(samples()), trained().conditioner_, trained().seed)
    patch = N_SAMPLES // N_PATCHES
    training_patch = np.flatnonzero(spans[0].train[0].reshape(N_PATCHES, patch).all(axis=1))[0]
    part = fibre(samples()).isel(time=slice(training_patch * patch, (training_patch + 1) * patch))
    verdict = trained().evaluate(part)
    assert verdict.outcome == "cannot_tell" and "trained on all of these times" in verdict.reason
    assert training_share(verdict) == 1


def test_no_sample_near_training_data_is_evaluated() -> None:
    recording, before = fibre(samples()), 1234
    conditioner = Conditioner.measure(recording, (2.0, 20.0))
    (training_span,) = training_spans(recording, conditioner, 3)
    training = training_record_of(recording, [training_span], np.ones(N_CHANNELS, bool))
    earlier = str(np.datetime64(START) - np.timedelta64(round(before / RATE * 1000), "ms"))
    longer = fibre(np.concatenate([samples(seed=2)[:, :before], samples()], axis=1), earlier)
    (held_out,) = held_out_spans(training, longer, training_spans(longer, conditioner, 4))
    evaluated = held_out.test[0]
    used = (training_span.train | training_span.validation)[0].astype(int)
    near = np.convolve(used, np.ones(len(conditioner.taps), int), mode="same") > 0
    assert not (evaluated[before:] & near).any()
    assert (
        evaluated[:before].mean() > 0.8
        and (evaluated[before:] & training_span.test[0]).sum() > N_SAMPLES / 10
    )


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".mseed"])
def test_the_same_data_in_another_format_are_the_same_data(suffix: str, tmp_path: Path) -> None:
    data = samples()[:, :6000].copy()
    data[5, 2000:2600] = np.nan
    recording = recording_from_array(data, RATE, START, seed_id=STATIONS)
    denoiser = untrained_denoiser().fit(recording)
    path = tmp_path / f"copy{suffix}"
    with RecordingWriter(path, like=recording) as writer:
        writer.write(0, recording.values)
    copied = denoiser.evaluate(open_recording(path))
    assert training_share(copied) == pytest.approx(training_share(denoiser.verdict_), abs=1e-9)
    assert copied.skill.value == pytest.approx(denoiser.verdict_.skill.value, abs=1e-6)


def test_fine_tuning_adds_to_the_training_record() -> None:
    monday, tuesday = fibre(samples()), fibre(samples(seed=2)[:, :6000], "2024-05-02T06:00:00")
    tuned = untrained_denoiser().fit(monday).fine_tune(tuesday)
    for day in (monday, tuesday):
        assert training_share(tuned.evaluate(day)) == pytest.approx(5 / 6, abs=0.05)
    details = {name: value for name, value in tuned.verdict_.details.items() if name != "skill_before"}
    assert (
        tuned.evaluate(tuesday).details == details and tuned.evaluate(tuesday).skill == tuned.verdict_.skill
    )


def test_fine_tuning_with_another_split_leaves_the_never_trained_times() -> None:
    tuned = untrained_denoiser().fit(fibre(samples())).set_params(seed=4).fine_tune(fibre(samples()))
    assert training_share(tuned.verdict_) > 0.93
    assert tuned.verdict_.n_blocks < trained().verdict_.n_blocks


def test_repeated_training_data_are_recorded_once() -> None:
    again = untrained_denoiser().fit(fibre(samples())).fine_tune(fibre(samples()))
    assert set(again.training_record_.pieces) == set(trained().training_record_.pieces)
    assert len(again.training_record_.pieces) == len(trained().training_record_.pieces)


def test_the_record_is_stored_compactly(tmp_path: Path) -> None:
    trained().save(tmp_path / "model")
    again = Denoiser.load(tmp_path / "model")
    assert again.training_record_ == trained().training_record_
    assert again.evaluate(fibre(samples())) == trained().verdict_
    stored = json.loads((tmp_path / "model" / "model.json").read_text())
    del stored["options"], stored["parameters"]["options"]
    assert len(json.dumps(stored, indent=2)) < 5000
    assert again.training_record_.as_table()[1].nbytes < 32 * (N_SAMPLES // PIECE + 2 * N_PATCHES)


def test_a_dead_channel_has_no_checksum() -> None:
    data = samples()[:, :6000].copy()
    data[[0, 8]] = 0
    denoiser = untrained_denoiser().fit(fibre(data))
    assert not live_channels(denoiser.conditioner_)[[0, 8]].any()
    assert {piece.channel for piece in denoiser.training_record_.pieces}.isdisjoint({"0.000", "80.000"})
