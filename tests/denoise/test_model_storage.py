"""Storage of models: a loaded model equals the saved one, and nothing in a folder is executed."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from selfseis.denoise import Denoiser
from selfseis.errors import InputError
from selfseis.recording import recording_from_array
from selfseis.simulate import band_limited_noise

RATE = 50.0


def recording(n_channels: int = 12, *, fibre: bool = True) -> xr.DataArray:
    noise = band_limited_noise(n_channels, 3000, RATE, (2, 20), 1) + band_limited_noise(
        1, 3000, RATE, (2, 20), 2
    )
    if fibre:
        return recording_from_array(noise, RATE, distance=10.0 * np.arange(n_channels))
    return recording_from_array(noise, RATE, seed_id=[f"XX.S{i}.00.HHZ" for i in range(n_channels)])


def fitted(kind: str) -> tuple[Denoiser, xr.DataArray]:
    data = recording(fibre=kind != "stations")
    method = "network" if kind == "network" else "ridge"
    return Denoiser(method, reach=3, max_lag=4, band=(2.0, 20.0), max_steps=50).fit(data), data


@pytest.fixture
def model(tmp_path) -> Path:
    fitted("line")[0].save(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("kind", ["line", "stations", "network"])
def test_a_loaded_model_equals_the_saved_one(kind, tmp_path) -> None:
    denoiser, data = fitted(kind)
    denoiser.save(tmp_path / "model")
    again = Denoiser.load(str(tmp_path / "model"))
    assert again.get_params() == denoiser.get_params()
    assert again.verdict_ == denoiser.verdict_
    assert again.blind_zone_ == denoiser.blind_zone_ and again.halo == denoiser.halo
    np.testing.assert_array_equal(again.noise_correlation_, denoiser.noise_correlation_)
    np.testing.assert_array_equal(again.transform(data).values, denoiser.transform(data).values)
    assert again.evaluate(data) == denoiser.evaluate(data)


def test_a_saved_model_is_json_and_safetensors_alone(model) -> None:
    assert sorted(path.name for path in model.iterdir()) == ["model.json", "model.safetensors"]
    assert [path.name for path in model.parent.iterdir()] == ["model"]
    assert json.loads((model / "model.json").read_text())["kind"] == "denoiser"


def test_saving_again_replaces(model) -> None:
    denoiser, data = fitted("stations")
    denoiser.save(model)
    np.testing.assert_array_equal(
        Denoiser.load(model).transform(data).values, denoiser.transform(data).values
    )


class Trap:
    """Object whose unpickling executes code."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["model.safetensors", "model.json", "model.pkl", "model.pt"])
def test_a_pickle_is_never_opened(model, tmp_path, name) -> None:
    (model / name).write_bytes(pickle.dumps(Trap(tmp_path / "executed")))
    if name in ("model.safetensors", "model.json"):
        with pytest.raises(InputError, match="damaged or of another kind"):
            Denoiser.load(model)
    else:
        Denoiser.load(model)
    assert not (tmp_path / "executed").exists()


def edited(model: Path, **changes) -> None:
    path = model / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    "damage",
    [
        lambda m: (m / "model.json").write_text("{"),
        lambda m: (m / "model.json").write_text("[]"),
        lambda m: (m / "model.json").write_text("null"),
        lambda m: (m / "model.json").write_bytes(b"\xff\xfe\x00"),
        lambda m: (m / "model.safetensors").write_bytes((m / "model.safetensors").read_bytes()[:-100]),
        lambda m: (m / "model.safetensors").write_bytes(b""),
        lambda m: edited(m, kind="picker"),
        lambda m: edited(m, format=99),
        lambda m: edited(m, parameters={"depth": 3}),
        lambda m: edited(m, conditioner={}),
        lambda m: edited(m, conditioner={"rate": 50.0, "band": [30.0, 2.0]}),
        lambda m: edited(m, line_ridge={"blind_zone": 0}),
        lambda m: edited(m, net={"blind_zone": 0, "reach": 3}),
        lambda m: edited(m, verdict=None),
        lambda m: edited(m, checksums=[]),
    ],
)
def test_a_damaged_model_is_named_in_one_line(model, damage) -> None:
    damage(model)
    with pytest.raises(InputError, match="damaged or of another kind") as refusal:
        Denoiser.load(model)
    assert str(model) in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_model_of_an_older_format_is_named(model) -> None:
    edited(model, format=4)
    with pytest.raises(InputError, match="format 4 instead of denoiser, 5") as refusal:
        Denoiser.load(model)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("missing", ["model.json", "model.safetensors", None])
def test_a_folder_without_a_model_is_named(model, missing) -> None:
    folder = model.parent / "nowhere" if missing is None else model
    if missing is not None:
        (model / missing).unlink()
    with pytest.raises(InputError, match="holds no model"):
        Denoiser.load(folder)


def test_a_file_is_not_a_model(tmp_path) -> None:
    (tmp_path / "model").write_text("hello")
    with pytest.raises(InputError):
        Denoiser.load(tmp_path / "model")


def test_an_unfitted_denoiser_cannot_be_saved(tmp_path) -> None:
    with pytest.raises(AttributeError):
        Denoiser().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
