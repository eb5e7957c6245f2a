"""The picker as an estimator: fit, pick, annotate, save, load, refuse."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.base import clone

from selfseis.errors import InputError
from selfseis.pick import Picker, PickerOptions
from selfseis.recording import recording_from_array
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events
from short_options import SHORT_PICKER

RATE = 100.0
FEW_EVENTS = SHORT_PICKER.with_options(self_training={"min_confirmed": 1})


def network(hours=0.25, seed=0, n_stations=2, rate=RATE):
    noise = simulate_noise_recording("white", "network", hours, rate, 3 * n_stations, seed, components="ENZ")
    recording, truth = simulate_recording_with_events(noise, 20.0, 6, seed)
    return recording.load(), truth


@pytest.fixture(scope="module")
def quick():
    """Return a picker with a short training, its recording and the stages."""
    recording, _ = network()
    stages = []
    picker = Picker(rounds=1, false_alarms_per_day=1e5, options=FEW_EVENTS)
    return picker.fit(recording, progress=stages.append), recording, stages


def test_the_constructor_only_stores(quick):
    params = {
        "false_discovery_rate": 0.2,
        "false_alarms_per_day": 3.0,
        "s_minus_p": (1.0, 9.0),
        "band": (2.0, 20.0),
        "rounds": 2,
        "training_fraction": 0.5,
        "seed": 5,
        "options": PickerOptions().with_options(training={"first_steps": 9}),
    }
    picker = Picker(**params)
    assert picker.get_params() == params
    assert not [name for name in vars(picker) if name.endswith("_")]
    assert picker.set_params(rounds=0).rounds == 0
    with pytest.raises(ValueError, match="unknown parameters: colour"):
        picker.set_params(colour=1)


def test_fit_trains_calibrates_and_evaluates(quick):
    picker, _, stages = quick
    assert stages[-1].step == stages[-1].max_steps
    assert set(picker.threshold_) == {"P", "S"}
    assert picker.verdict_.task == "pick"
    assert [round_.stage for round_ in picker.rounds_[:2]] == ["starting network", "synthetic onsets"]
    assert "injection_test" in picker.verdict_.details


def test_picks_are_in_time_and_above_the_threshold(quick):
    picker, recording, _ = quick
    picks = picker.pick(recording)
    times = np.array([pick.time for pick in picks])
    assert (np.diff(times) >= np.timedelta64(0, "ns")).all()
    first, last = recording["time"].values[[0, -1]]
    assert all(first <= pick.time <= last for pick in picks)
    assert all(0 <= pick.probability <= 1 and pick.sd_s > 0 for pick in picks)
    assert {pick.seed_id for pick in picks if pick.phase == "P"} <= set(recording["seed_id"].values[2::3])


def test_a_saved_picker_picks_the_same(quick, tmp_path):
    picker, recording, _ = quick
    picker.save(tmp_path / "model")
    loaded = Picker.load(tmp_path / "model")
    assert loaded.pick(recording) == picker.pick(recording)
    assert loaded.get_params() == picker.get_params()
    assert loaded.verdict_ == picker.verdict_
    assert loaded.rounds_ == picker.rounds_
    assert loaded.reliability_ == picker.reliability_


def test_a_damaged_or_missing_model_is_refused(quick, tmp_path):
    picker, _, _ = quick
    with pytest.raises(InputError, match="holds no model"):
        Picker.load(tmp_path / "nothing")
    picker.save(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(InputError, match="damaged"):
        Picker.load(tmp_path / "model")


def test_probabilities_come_as_a_stream(quick):
    picker, recording, _ = quick
    stream = picker.annotate(recording)
    assert sorted(trace.stats.channel for trace in stream) == ["Picker_P", "Picker_P", "Picker_S", "Picker_S"]
    assert all(trace.stats.npts == recording.sizes["time"] for trace in stream)
    assert all(trace.data.min() >= 0 and trace.data.max() <= 1 for trace in stream)


def test_probabilities_of_an_array_agree_with_those_of_the_recording(quick):
    picker, recording, _ = quick
    found = picker.probabilities(recording.values[:3])
    stream = picker.annotate(recording)
    expected = stream.select(station=stream[0].stats.station, channel="Picker_P")[0].data
    inner = slice(picker.window_, -picker.window_)
    np.testing.assert_allclose(found[0, inner], expected[inner], atol=2e-3)


def test_another_rate_is_refused(quick):
    picker, _, _ = quick
    other = recording_from_array(np.zeros((1, 100), np.float32), 50.0, seed_id=["XX.A..HHZ"])
    with pytest.raises(InputError, match="trained at 100 Hz"):
        picker.pick(other)


def test_the_verdict_on_other_data_has_the_same_form(quick):
    picker, _, _ = quick
    other, _ = network(seed=3)
    assert picker.evaluate(other).task == "pick"


def test_held_out_stations_are_not_training_data():
    recording, _ = network(n_stations=4)
    changed = recording.copy(deep=True)
    changed[9:] = np.random.default_rng(0).normal(size=(3, recording.sizes["time"])).astype(np.float32)
    other = Picker(rounds=0, options=SHORT_PICKER).fit(changed)
    first = Picker(rounds=0, options=SHORT_PICKER).fit(recording)
    for ours, theirs in zip(first.net_.parameters(), other.net_.parameters(), strict=True):
        np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy())


def test_the_verdict_of_a_single_station_is_cannot_tell():
    recording, _ = network(n_stations=2)
    alone = recording.isel(channel=slice(0, 3))
    picker = Picker(false_alarms_per_day=1e5, options=SHORT_PICKER).fit(alone)
    assert picker.verdict_.outcome == "cannot_tell"
    assert "single station" in picker.verdict_.reason


def test_an_interrupted_training_resumes_but_never_from_other_data(tmp_path):
    recording, _ = network(hours=0.1)

    def interrupt(stage):
        raise KeyboardInterrupt

    picker = Picker(rounds=0, options=SHORT_PICKER)
    whole = clone(picker).fit(recording)
    with pytest.raises(KeyboardInterrupt):
        clone(picker).fit(recording, checkpoint=tmp_path, progress=interrupt)
    (first_folder,) = tmp_path.iterdir()
    resumed = clone(picker).fit(recording, checkpoint=tmp_path)
    for name, weights in whole.net_.state_dict().items():
        assert weights.equal(resumed.net_.state_dict()[name])
    picker.fit(recording.copy(data=2 * recording.values[::-1]), checkpoint=tmp_path)
    assert [folder for folder in tmp_path.iterdir() if folder != first_folder]


def test_the_training_fraction_scales_the_steps_and_is_stored(tmp_path):
    options = SHORT_PICKER.with_options(training={"first_steps": 40})
    recording, _ = network(hours=0.1)
    stages = []
    picker = Picker(rounds=0, training_fraction=0.1, options=options)
    picker.fit(recording, progress=stages.append)
    assert [stage.max_steps for stage in stages] == [4]
    picker.save(tmp_path / "model")
    loaded = Picker.load(tmp_path / "model")
    assert loaded.training_fraction == 0.1 and loaded.options == options


@pytest.mark.parametrize("training_fraction", [0.0, -1.0, float("nan"), float("inf")])
def test_an_invalid_training_fraction_is_refused(training_fraction):
    with pytest.raises(InputError, match="training_fraction must be a number above 0"):
        Picker(training_fraction=training_fraction).fit(
            recording_from_array(np.zeros((3, 100), np.float32), RATE)
        )


def test_a_model_without_a_training_fraction_and_options_has_the_defaults(quick, tmp_path):
    quick[0].save(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    description = json.loads(path.read_text())
    del description["parameters"]["training_fraction"], description["parameters"]["options"]
    del description["checksum"]
    path.write_text(json.dumps(description))
    loaded = Picker.load(tmp_path / "model")
    assert loaded.training_fraction == 1.0 and loaded.options == PickerOptions()


def test_an_invalid_s_minus_p_is_refused():
    recording, _ = network(hours=0.1)
    with pytest.raises(InputError, match="S - P"):
        Picker(s_minus_p=(5.0, 1.0)).fit(recording)
