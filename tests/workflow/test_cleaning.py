"""The denoiser in daily use: a folder that grows, several cores, dead channels named, a model learnt on from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import Result

from selfseis.denoise import Denoiser
from selfseis.recording import open_recording, write_recording
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events
from short_options import save_with_small_tiles

Command = Callable[..., Result]
RIDGE = ("--method", "ridge")


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of minutes of a network of stations, as day files are: 0.mseed, 1.mseed, 2.mseed."""
    noise = simulate_noise_recording("white", "network", 0.05, 50.0, 12, seed=2)
    recording = simulate_recording_with_events(noise, 15, 4, seed=1)[0]
    folder = tmp_path_factory.mktemp("days")
    for number in range(3):
        write_recording(
            recording.isel(time=slice(3000 * number, 3000 * (number + 1))), folder / f"{number}.mseed"
        )
    return folder


def test_a_folder_that_grew_is_cleaned_where_it_is_new(selfseis: Command, days: Path, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    for name in ("0.mseed", "1.mseed"):
        shutil.copy(days / name, folder)
    assert selfseis("train", "denoiser", folder, "--model", tmp_path / "model", *RIDGE).exit_code == 0

    def clean(name: str) -> Result:
        return selfseis("denoise", folder, "--model", tmp_path / "model", "--out", tmp_path / name)

    assert "Already denoised" not in clean("clean.nc").stdout
    shutil.copy(days / "2.mseed", folder)
    again = clean("clean.nc")
    assert again.exit_code == 0 and "Already denoised: 5," in again.stdout
    assert clean("whole.nc").exit_code == 0
    grown, whole = (open_recording(tmp_path / name).values for name in ("clean.nc", "whole.nc"))
    np.testing.assert_allclose(grown, whole, atol=1e-5 * np.nanstd(whole))
    assert not list(tmp_path.glob("*.partial"))


def test_two_cores_do_as_one(selfseis: Command, recordings: Path, finished_run: Path, tmp_path: Path) -> None:
    model = save_with_small_tiles(finished_run / "model", tmp_path / "model")

    def clean(name: str, jobs: int) -> bytes:
        typed = ("--model", model, "--out", tmp_path / name, "--jobs", jobs)
        assert selfseis("denoise", recordings / "fibre.nc", *typed).exit_code == 0
        return open_recording(tmp_path / name).values.tobytes()

    assert clean("one.nc", 1) == clean("two.nc", 2)


@pytest.mark.parametrize("jobs", ["0", "many"])
def test_no_cores_are_refused(selfseis: Command, recordings: Path, tmp_path: Path, jobs: str) -> None:
    done = selfseis("denoise", recordings / "fibre.nc", "--out", tmp_path / "a.nc", "--jobs", jobs)
    assert done.exit_code == 2 and "--jobs" in done.stderr


@pytest.mark.parametrize(("name", "said"), [("a.nc", "flagged 'predicted' in a.nc"), ("a.mseed", "left out")])
def test_dead_channels_are_named(
    selfseis: Command, recordings: Path, finished_run: Path, tmp_path: Path, name: str, said: str
) -> None:
    fibre = open_recording(recordings / "fibre.nc").load()
    fibre[{"channel": 20}] = 0.0
    write_recording(fibre, tmp_path / "day.nc")
    done = selfseis(
        "denoise", tmp_path / "day.nc", "--model", finished_run / "model", "--out", tmp_path / name
    )
    assert done.exit_code == 0
    metres = float(fibre["distance"][20])
    assert f"recorded nothing: 1 (fibre at {metres:.1f} m)" in done.stdout and said in done.stdout
    assert open_recording(tmp_path / name).sizes["channel"] == (48 if name == "a.nc" else 47)


def test_a_run_counts_what_it_predicted(selfseis: Command, recordings: Path, tmp_path: Path) -> None:
    fibre = open_recording(recordings / "fibre.nc").load()
    fibre[{"channel": 20}] = np.nan
    write_recording(fibre, tmp_path / "day.nc")
    out = tmp_path / "out"
    assert selfseis("run", tmp_path / "day.nc", "--out", out, "--no-explore", *RIDGE).exit_code == 0
    told = (out / "run.json").read_text()
    assert '"kind": "predicted"' in told and "Channels that recorded nothing: 1" in told
    with xr.open_dataset(out / "denoised.nc") as cleaned:
        assert np.flatnonzero(cleaned["predicted"].values).tolist() == [20]


def test_a_model_is_learnt_on_from(
    selfseis: Command, recordings: Path, finished_run: Path, tmp_path: Path
) -> None:
    typed = ("train", "denoiser", recordings / "fibre.nc", "--model", tmp_path / "new", "--init-from")
    done = selfseis(*typed, finished_run / "model")
    assert done.exit_code == 0 and "Skill of the initial model on these data: 0." in done.stdout
    refused = selfseis(*typed, finished_run / "model", "--band", 2, 9)
    assert refused.exit_code == 2 and "leave out --band" in refused.stderr
    refused = selfseis(*typed, finished_run / "model", "--method", "network")
    assert refused.exit_code == 2 and "the method ridge" in refused.stderr
    assert selfseis(*typed, finished_run / "model", "--blind-zone", 30).exit_code == 2
    assert selfseis(*typed, tmp_path / "nowhere").exit_code == 2


def test_the_blind_zone_can_be_given(selfseis: Command, recordings: Path, tmp_path: Path) -> None:
    typed = ("train", "denoiser", recordings / "fibre.nc", "--model", tmp_path / "model", *RIDGE)
    assert selfseis(*typed, "--blind-zone", 3).exit_code == 0
    assert Denoiser.load(tmp_path / "model").blind_zone_ == 3
    assert selfseis(*typed, "--blind-zone", -1).exit_code == 2
