"""Options of the denoiser: they have an effect, and a fitted model goes on using its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from selfseis.denoise import Denoiser, DenoiserOptions
from selfseis.errors import InputError
from selfseis.recording import recording_from_array
from selfseis.simulate import band_limited_noise

RATE = 50.0


@pytest.fixture(scope="module")
def fibre() -> xr.DataArray:
    common = band_limited_noise(1, 4000, RATE, (3, 15), 1)
    data = common + band_limited_noise(16, 4000, RATE, (3, 15), 2)
    data[5, 1024:1152] *= 8
    return recording_from_array(data.astype(np.float32), RATE, distance=10.0 * np.arange(16))


def with_options(**groups: Any) -> Denoiser:
    options = DenoiserOptions().with_options(**groups)
    return Denoiser(reach=3, max_lag=4, blind_zone=0, options=options)


@pytest.mark.parametrize(
    "groups",
    [
        {"training_data": {"n_patches": 24}},
        {"bursts": {"min_power_ratio": 10.0}},
        {"levels": {"prior_spread": 0.01}},
        {"ridge": {"strengths": (1000.0,)}},
        {"wiener": {"noise_frames": 0.2}},
        {"wiener": {"frames": {"max_channels": 8}}},
    ],
    ids=str,
)
def test_an_option_has_an_effect(groups: dict[str, Any], fibre: xr.DataArray) -> None:
    usual, changed = (denoiser.fit(fibre) for denoiser in (with_options(), with_options(**groups)))
    assert np.abs(usual.transform(fibre).values - changed.transform(fibre).values).max() > 1e-4


def test_the_evaluation_follows_its_options(fibre: xr.DataArray) -> None:
    usual, changed = (
        with_options(evaluation={"strongest_share": share}).fit(fibre).verdict_ for share in (0.125, 1.0)
    )
    assert changed.n_blocks > usual.n_blocks


def test_a_network_follows_its_options(fibre: xr.DataArray) -> None:
    options = DenoiserOptions().with_options(
        network={"n_hidden": 6, "apertures": (2, 4)},
        slownesses={"n_slownesses": 3},
        training={"check_every": 2},
    )
    denoiser = Denoiser("network", max_steps=4, blind_zone=0, options=options).fit(fibre)
    assert denoiser.progress_ is not None
    assert [step for step, _ in denoiser.progress_.history] == [0, 2, 4]
    if denoiser.net_ is not None:
        assert denoiser.net_.options == options.network and len(denoiser.net_.stacks.slownesses) == 3


def test_a_fitted_model_goes_on_using_its_options(fibre: xr.DataArray, tmp_path: Path) -> None:
    denoiser = with_options(wiener={"min_observed": -3.0}).fit(fibre)
    fitted, clean = denoiser.options, denoiser.transform(fibre).values
    denoiser.set_params(options=DenoiserOptions())
    denoiser.save(tmp_path / "model")
    again = Denoiser.load(tmp_path / "model")
    assert again.options == DenoiserOptions() and again.model_.options == fitted
    for one in (denoiser, again):
        np.testing.assert_array_equal(one.transform(fibre).values, clean)


def test_a_model_with_a_wrong_option_is_named_in_one_line(fibre: xr.DataArray, tmp_path: Path) -> None:
    with_options().fit(fibre).save(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    stored = json.loads(path.read_text())
    del stored["checksum"]
    stored["options"]["levels"]["min_change"] = "wide"
    path.write_text(json.dumps(stored))
    with pytest.raises(InputError, match="min_change") as refusal:
        Denoiser.load(tmp_path / "model")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "frames",
    [
        {"max_channels": 48},
        {"max_samples": 512},
        {"min_samples": 128},
        {"min_samples": 1},
        {"block_samples": 40},
    ],
    ids=str,
)
def test_frames_fit_tiles_and_blocks(frames: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"frame|power of two") as refusal:
        DenoiserOptions().with_options(wiener={"frames": frames})
    assert "\n" not in str(refusal.value)
