"""Ctrl-C in the middle of a command, and the same command again: it goes on, and the result is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from selfseis.denoise import train_network as training
from selfseis.recording import RecordingWriter, open_recording
from short_options import save_with_small_tiles

# The package offers functions of these names.
JOBS = [import_module(f"selfseis.workflow.{name}") for name in ("denoise", "results")]
Command = Callable[..., Result]
RIDGE = ("--method", "ridge")
NETWORK = ("--method", "network")


class Stages:
    """Values that the progress bars received, and the report of a stage at which Ctrl-C is pressed."""

    def __init__(self) -> None:
        self.interrupt: tuple[str, int] | None = None
        self.reported: dict[str, list[float]] = {}

    @contextmanager
    def bar(self, title: str, console: object) -> Iterator[Callable[[float, float], None]]:
        reported = self.reported[title] = []

        def progress(done: float, total: float) -> None:
            reported.append(done)
            if self.interrupt == (title, len(reported)):
                raise KeyboardInterrupt

        yield progress


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    """Watch the stages of jobs whose training is short."""
    fit = training.fit

    def short_fit(*args: Any, max_steps: int, **options: Any) -> Any:
        return fit(*args, **(options | {"max_steps": 40, "check_every": 10}))

    stages = Stages()
    for module in JOBS:
        monkeypatch.setattr(module, "progress_bar", stages.bar)
    monkeypatch.setattr(training, "fit", short_fit)
    return stages


def interrupted(done: Result) -> bool:
    reported = "interrupted; run the same command again to resume" in done.stderr
    return done.exit_code == 130 and reported and "Traceback" not in done.output


def test_training_resumes(selfseis: Command, recordings: Path, tmp_path: Path, stages: Stages) -> None:
    def train(name: str) -> Result:
        return selfseis("train", "denoiser", recordings / "noise.nc", "--model", tmp_path / name, *NETWORK)

    assert train("whole").exit_code == 0
    assert stages.reported["training"] == [10, 20, 30, 40]

    stages.interrupt = ("training", 2)
    assert interrupted(train("model"))
    assert not (tmp_path / "model").exists()
    stages.interrupt = None
    assert train("model").exit_code == 0
    assert stages.reported["training"] == [30, 40]
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / "model" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "whole"]


def test_training_restarts_with_other_data(
    selfseis: Command, recordings: Path, tmp_path: Path, stages: Stages
) -> None:
    def train(start: str) -> Result:
        data = recordings / "fibre.nc"
        return selfseis("train", "denoiser", data, "--start", start, "--model", tmp_path / "model", *NETWORK)

    stages.interrupt = ("training", 2)
    assert interrupted(train("2020-01-01T00:01:00"))
    stages.interrupt = None
    assert train("2020-01-01T00:00:30").exit_code == 0
    assert stages.reported["training"] == [10, 20, 30, 40]


def test_denoising_resumes(
    selfseis: Command,
    recordings: Path,
    finished_run: Path,
    tmp_path: Path,
    stages: Stages,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiles_written: list[int] = []
    write = RecordingWriter.write

    def counting(self: RecordingWriter, first: int, data: np.ndarray) -> None:
        tiles_written.append(first)
        write(self, first, data)

    monkeypatch.setattr(RecordingWriter, "write", counting)
    model = save_with_small_tiles(finished_run / "model", tmp_path / "model")

    def clean(name: str) -> Result:
        typed = ("--model", model, "--end", "2020-01-01T00:02:00", "--out", tmp_path / name)
        return selfseis("denoise", recordings / "fibre.nc", *typed)

    assert clean("whole.nc").exit_code == 0
    assert tiles_written == [0, 1024, 2048, 3072, 4096, 5120]
    tiles_written.clear()
    stages.interrupt = ("denoising", 3)
    assert interrupted(clean("clean.nc"))
    assert not (tmp_path / "clean.nc").exists() and tiles_written == [0, 1024, 2048]
    stages.interrupt = None
    assert clean("clean.nc").exit_code == 0
    assert tiles_written == [0, 1024, 2048, 3072, 4096, 5120]
    whole, resumed = (open_recording(tmp_path / name).values for name in ("whole.nc", "clean.nc"))
    np.testing.assert_array_equal(resumed, whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean.nc", "model", "whole.nc"]


@pytest.mark.parametrize(
    ("stage", "name", "method"),
    [("training", "noise.nc", NETWORK), ("detecting", "noise.nc", RIDGE), ("denoising", "fibre.nc", RIDGE)],
)
def test_a_run_resumes_from_every_stage(
    selfseis: Command,
    recordings: Path,
    tmp_path: Path,
    stages: Stages,
    stage: str,
    name: str,
    method: tuple[str, str],
) -> None:
    def run(folder: str) -> Result:
        return selfseis("run", recordings / name, "--out", tmp_path / folder, *method)

    stages.interrupt = (stage, 1)
    assert interrupted(run("resumed"))
    assert not (tmp_path / "resumed" / "report.html").exists()
    stages.interrupt = None
    assert run("resumed").exit_code == run("whole").exit_code == 0
    for result in ("catalogue.csv", "verdict.json", "model/model.safetensors"):
        assert (tmp_path / "resumed" / result).read_bytes() == (tmp_path / "whole" / result).read_bytes()
    left = ({path.name for path in (tmp_path / folder).rglob("*")} for folder in ("resumed", "whole"))
    assert next(left) == next(left)
