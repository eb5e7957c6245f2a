"""Storage of models: a loaded model equals the saved one, damage is named in one line, nothing is executed."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import xarray as xr
from safetensors.numpy import load_file, save_file
from sklearn.base import clone

from selfseis import Denoiser, Detector, Explorer, Picker, load_model
from selfseis.detect.options import DetectorOptions
from selfseis.errors import InputError
from selfseis.models import StoredEstimator
from selfseis.models.store import fingerprint
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events
from short_options import SHORT_PICKER

FILES = ["model.json", "model.safetensors"]


class Case(NamedTuple):
    """An estimator, the geometry that it is fitted on, and what is compared after loading."""

    estimator: StoredEstimator[Any]
    geometry: str
    result: Callable[[Any, xr.DataArray], Any]


def denoised(denoiser: Denoiser, data: xr.DataArray) -> list[float]:
    return [denoiser.halo, *denoiser.transform(data).values.ravel().tolist()]


def detected(detector: Detector, data: xr.DataArray) -> Any:
    return detector.detect(data), detector.evaluate(data), detector.false_alarm_rate_.threshold(3.0)


def explored(explorer: Explorer, data: xr.DataArray) -> Any:
    found = explorer.embed(data)
    return found.labels.tolist(), found.novelty.tolist(), found.points.tolist()


def denoiser(method: str) -> Denoiser:
    return Denoiser(method, reach=3, max_lag=4, band=(2.0, 20.0), max_steps=20)


OPTIONS = DetectorOptions().with_options(
    slant_stack={"max_slownesses": 31}, coincidence={"long_windows": 30}, baseline={"long_windows": 30}
)
CASES = {
    "denoiser of a line": Case(denoiser("ridge"), "fibre", denoised),
    "denoiser of stations": Case(denoiser("ridge"), "network", denoised),
    "denoiser with a network": Case(denoiser("network"), "fibre", denoised),
    "picker": Case(
        Picker(rounds=1, s_minus_p=(0.3, 4.0), false_alarms_per_day=1e5, options=SHORT_PICKER),
        "network",
        lambda picker, data: (picker.pick(data), picker.rounds_, picker.reliability_, picker.threshold_),
    ),
    "explorer": Case(Explorer(representation="scattering"), "network", explored),
    "detector of a line": Case(Detector(false_alarms_per_day=24.0, options=OPTIONS), "fibre", detected),
    "detector of stations": Case(Detector(false_alarms_per_day=24.0, options=OPTIONS), "network", detected),
}
ONE_OF_EACH = ["denoiser of a line", "picker", "explorer", "detector of a line"]


@cache
def recording(geometry: str) -> xr.DataArray:
    noise = simulate_noise_recording("white", geometry, 1 / 24, 50.0, 12, seed=3, components="ENZ")
    return simulate_recording_with_events(noise, 20.0, 2, seed=3)[0].load()


@cache
def fitted(name: str) -> StoredEstimator[Any]:
    estimator, geometry, _ = CASES[name]
    return clone(estimator).fit(recording(geometry))


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Callable[[str], Path]:
    folders: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp("saved") / "model"
            fitted(name).save(folders[name])
        return folders[name]

    return folder


@pytest.mark.parametrize("name", CASES)
def test_a_loaded_model_equals_the_saved_one(name: str, saved) -> None:
    estimator, folder = fitted(name), saved(name)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    again = load_model(folder)
    assert type(again) is type(estimator) and again.get_params() == estimator.get_params()
    assert again.verdict_ == estimator.verdict_
    data = recording(CASES[name].geometry)
    assert CASES[name].result(again, data) == CASES[name].result(estimator, data)
    assert type(estimator).load(str(folder)).verdict_ == estimator.verdict_


def edited(folder: Path, **changes: Any) -> None:
    """Change the description as a program would that knows of no checksum, such as an older selfseis."""
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes | {"checksum": None}))


def without(folder: Path, *names: str) -> None:
    path, left_out = folder / "model.json", (*names, "checksum")
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k not in left_out}))


def with_tensors(folder: Path, change: Callable[[np.ndarray], np.ndarray | None]) -> None:
    """Change the arrays whose shape and values are known from the rest of the model."""
    known = ("gain", "ridge", "net.", "axes.", "standardiser.", "surrogate_peaks", "groups.labels")
    path = folder / "model.safetensors"
    tensors = load_file(path)
    changed = {name: change(array) if name.startswith(known) else array for name, array in tensors.items()}
    save_file({k: np.ascontiguousarray(v) for k, v in changed.items() if v is not None}, path)
    edited(folder)


class Trap:
    """Object whose unpickling executes code."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("executed",)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "half a description": lambda m: (m / "model.json").write_text('{"kind": "den'),
    "a list": lambda m: (m / "model.json").write_text("[]"),
    "nothing": lambda m: (m / "model.json").write_text("null"),
    "no text": lambda m: (m / "model.json").write_bytes(b"\xff\xfe\x00"),
    "a pickled description": lambda m: (m / "model.json").write_bytes(pickle.dumps(Trap())),
    "half the arrays": lambda m: os.truncate(m / "model.safetensors", 500),
    "no arrays": lambda m: os.truncate(m / "model.safetensors", 0),
    "pickled arrays": lambda m: (m / "model.safetensors").write_bytes(pickle.dumps(Trap())),
    "a missing array": lambda m: with_tensors(m, lambda array: None),
    "arrays of another shape": lambda m: with_tensors(m, lambda array: array[..., None]),
    "arrays of another length": lambda m: with_tensors(m, lambda a: np.concatenate([a, a]) if a.ndim else a),
    "arrays that are not finite": lambda m: with_tensors(m, lambda a: np.full(a.shape, np.nan, np.float32)),
    "another kind": lambda m: edited(m, kind="tomography"),
    "an older format": lambda m: edited(m, format=0),
    "no kind": lambda m: without(m, "kind"),
    "no format": lambda m: without(m, "format"),
    "no parameters": lambda m: without(m, "parameters"),
    "an unknown parameter": lambda m: edited(m, parameters={"depth": 3}),
    "an unknown option": lambda m: edited(m, parameters={"options": {"depth": 3}}),
    "parameters as a list": lambda m: edited(m, parameters=[1]),
    "no state": lambda m: without(m, "conditioner", "sampling_rate"),
    "a falling band": lambda m: edited(m, conditioner={"rate": 50.0, "band": [30, 2]}, rounds=[1], sites=[]),
    "no verdict": lambda m: edited(m, verdict=None),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_damaged_model_is_named_in_one_line(name: str, damage: str, saved, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(saved(name), tmp_path / "model")
    DAMAGE[damage](folder)
    if damage == "arrays of another length" and name == "detector of a line":
        edited(folder, conditioner={})  # any number of surrogate peaks is possible
    with pytest.raises(InputError, match="is damaged or of another kind") as refusal:
        type(CASES[name].estimator).load(folder)
    assert str(folder) in str(refusal.value) and "\n" not in str(refusal.value)
    assert not Path("executed").exists()


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_an_older_format_and_another_kind_are_named(name: str, saved, tmp_path) -> None:
    form = CASES[name].estimator.model_format
    folder = shutil.copytree(saved(name), tmp_path / "model")
    edited(folder, format=form.version - 1)
    with pytest.raises(
        InputError, match=f"format {form.version - 1} instead of {form.kind}, {form.version}.*train it again"
    ):
        load_model(folder)
    other = Picker if form.kind != "picker" else Explorer
    with pytest.raises(InputError, match=f"kind {form.kind}, format"):
        other.load(saved(name))


@pytest.mark.parametrize("missing", [*FILES, "folder", "is a file"])
@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_folder_without_a_model_is_named(name: str, missing: str, saved, tmp_path) -> None:
    folder = tmp_path / "model"
    if missing == "is a file":
        folder.write_text("hello")
    elif missing in FILES:
        shutil.copytree(saved(name), folder)
        (folder / missing).unlink()
    with pytest.raises(InputError, match="holds no model: train one with") as refusal:
        type(CASES[name].estimator).load(folder)
    assert "\n" not in str(refusal.value)


def test_a_missing_option_or_parameter_keeps_its_default(saved, tmp_path) -> None:
    folder = shutil.copytree(saved("detector of a line"), tmp_path / "model")
    edited(folder, parameters={"options": {"evaluation": {"max_events": 2}}})
    assert (
        Detector.load(folder).get_params()
        == Detector(options=DetectorOptions().with_options(evaluation={"max_events": 2})).get_params()
    )


def test_saving_again_replaces_a_model_and_nothing_else(saved, tmp_path) -> None:
    folder = shutil.copytree(saved("explorer"), tmp_path / "model")
    fitted("denoiser of stations").save(folder)
    assert isinstance(load_model(folder), Denoiser)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files than a model"):
        fitted("denoiser of stations").save(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("kind", [Denoiser, Picker, Explorer, Detector])
def test_an_unfitted_estimator_cannot_be_saved(kind, tmp_path) -> None:
    with pytest.raises(AttributeError):
        kind().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_denoiser_is_not_saved_with_a_detector(saved, tmp_path) -> None:
    denoiser = fitted("denoiser of a line")
    detector = Detector(denoiser=denoiser).fit(recording("fibre"))
    detector.save(tmp_path / "model")
    again = Detector.load(tmp_path / "model")
    assert again.denoiser is None and again.conditioner_.band == denoiser.conditioner_.band
    assert again.verdict_ == detector.verdict_


def test_a_detector_without_surrogates_is_stored_as_strict_json(tmp_path) -> None:
    options = OPTIONS.with_options(
        threshold={"min_surrogates": 0, "network_hops": 0, "round_surrogates": 0},
        baseline={"n_surrogates": 0},
    )
    detector = Detector(options=options).fit(recording("network"))
    assert detector.threshold_ == detector.model_.noise_level == detector.model_.baseline.threshold == np.inf
    detector.save(tmp_path / "model")
    state = json.loads((tmp_path / "model" / "model.json").read_text(), parse_constant=pytest.fail)
    assert state["threshold"] is state["noise_level"] is state["baseline_threshold"] is None
    assert state["verdict"]["details"]["threshold"] is None
    again = Detector.load(tmp_path / "model")
    assert again.threshold_ == again.model_.noise_level == again.model_.baseline.threshold == np.inf
    assert again.verdict_ == detector.verdict_ and again.detect(recording("network")) == []


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a file with some bits turned, a part lost, doubled or overwritten."""
    raw, at, size = bytearray(content), rng.randrange(len(content)), rng.choice([1, 4, 40, 400])
    kind = rng.randrange(5)
    if kind == 0:
        raw[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        raw[at : at + size] = rng.randbytes(min(size, len(raw) - at))
    elif kind == 2:
        del raw[at : at + size]
    elif kind == 3:
        raw[at:at] = raw[at : at + size]
    else:
        del raw[at:]
    return bytes(raw)


def check_mutations(folder: Path, seeds: range) -> None:
    """A mutated model is refused in one line, or it is the same model."""
    name = load_model(folder).model_format.kind
    whole = {file: (folder / file).read_bytes() for file in FILES}
    state = json.loads(whole["model.json"])
    for seed in seeds:
        rng = random.Random(seed)
        file = rng.choice(FILES)
        changed = mutated(whole[file], rng)
        (folder / file).write_bytes(changed)
        try:
            load_model(folder)
        except InputError as error:
            assert "\n" not in str(error), seed
        else:
            assert file == "model.json" and json.loads(changed) == state, (name, seed)
        (folder / file).write_bytes(whole[file])


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_mutated_models_are_refused_in_one_line(name: str, saved, tmp_path) -> None:
    check_mutations(shutil.copytree(saved(name), tmp_path / "model"), range(60))


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_thousands_of_mutated_models_are_refused_in_one_line(name: str, saved, tmp_path) -> None:
    check_mutations(shutil.copytree(saved(name), tmp_path / "model"), range(60, 810))


def test_a_changed_number_is_refused_by_the_checksum(saved, tmp_path) -> None:
    folder = shutil.copytree(saved("picker"), tmp_path / "model")
    text = (folder / "model.json").read_text()
    (folder / "model.json").write_text(text.replace("0.", "1.", 1))
    with pytest.raises(InputError, match="its checksum differs"):
        load_model(folder)
    (folder / "model.json").write_text(text)
    load_model(folder)


def test_a_fingerprint_differs_where_any_part_differs() -> None:
    parts = [{"seed": 1, "options": DetectorOptions()}, np.arange(3)]
    others = [
        [{"seed": 2, "options": DetectorOptions()}, np.arange(3)],
        [{"seed": 1, "options": OPTIONS}, np.arange(3)],
        [{"seed": 1, "options": DetectorOptions()}, np.arange(3) + 1],
    ]
    assert fingerprint(*parts) == fingerprint(*parts)
    assert len({fingerprint(*parts)} | {fingerprint(*other) for other in others}) == 4
