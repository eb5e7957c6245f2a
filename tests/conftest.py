"""Fixtures that every test may use."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr
from hypothesis import settings
from typer.testing import CliRunner, Result

from selfseis.cli import app
from selfseis.recording import write_recording
from selfseis.simulate import SimulatedEvent, simulate_noise_recording, simulate_recording_with_events
from short_options import SHORT_PICKER

REPOSITORY = Path(__file__).resolve().parents[1]
Command = Callable[..., Result]

# A change must not pass or fail by chance: new examples are searched for by hand, and in `make test-all`.
settings.register_profile("same examples", derandomize=True)
settings.register_profile("new examples", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same examples"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real recordings, or skip the test and say so."""
    folder = Path(os.environ.get("SELFSEIS_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder}: set SELFSEIS_DATA")
    return folder


@pytest.fixture(scope="session")
def short_training(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], list[str]]:
    """Return what adds ``--options`` to a typed command that trains a picker, so that it takes seconds."""
    folder = tmp_path_factory.mktemp("options")
    of_picker, of_run = folder / "picker.json", folder / "run.json"
    of_picker.write_text(json.dumps(SHORT_PICKER.to_dict()))
    of_run.write_text(json.dumps({"picker": SHORT_PICKER.to_dict()}))

    def shortened(typed: list[str]) -> list[str]:
        if "--options" in typed or "--help" in typed:
            return typed
        if typed[:1] == ["run"]:
            return [*typed, "--options", str(of_run)]
        trains = typed[:2] == ["train", "picker"] or (typed[:1] == ["pick"] and "--model" not in typed)
        return [*typed, "--options", str(of_picker)] if trains else typed

    return shortened


@pytest.fixture(scope="session")
def selfseis(short_training: Callable[[list[str]], list[str]]) -> Command:
    """Return what runs a command as a user types it, in this process; a traceback fails the test."""

    def run(*words: object) -> Result:
        typed = short_training([str(word) for word in words])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["selfseis", *typed])
            return CliRunner().invoke(app, typed, catch_exceptions=False)

    return run


def fibre_with_events() -> tuple[xr.DataArray, list[SimulatedEvent]]:
    """Three strong events in five minutes of a short fibre."""
    noise = simulate_noise_recording("white", "fibre", 1 / 12, 50.0, 48, seed=3)
    return simulate_recording_with_events(noise, 20, 3, seed=3)


@pytest.fixture(scope="session")
def true_events() -> list[SimulatedEvent]:
    """Return the events of fibre.nc."""
    return fibre_with_events()[1]


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of simulated recordings: fibre.nc, noise.nc, network.mseed and quiet.mseed."""
    folder = tmp_path_factory.mktemp("recordings")
    write_recording(fibre_with_events()[0], folder / "fibre.nc")
    write_recording(simulate_noise_recording("white", "fibre", 1 / 60, 50.0, 16, seed=1), folder / "noise.nc")
    quiet = simulate_noise_recording("white", "network", 1 / 12, 50.0, 9, seed=2, components="ENZ")
    write_recording(quiet, folder / "quiet.mseed")
    write_recording(simulate_recording_with_events(quiet, 15, 1, seed=1)[0], folder / "network.mseed")
    return folder


@pytest.fixture(scope="session")
def finished_run(recordings: Path, selfseis: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of results of ``selfseis run`` on the fibre with events."""
    out = tmp_path_factory.mktemp("run") / "results"
    done = selfseis("run", recordings / "fibre.nc", "--out", out, "--method", "ridge")
    assert done.exit_code == 0, done.stderr
    return out
