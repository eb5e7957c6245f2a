"""The command line: user errors print one line and exit with status 2; lost units are named with status 1."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from typer.testing import Result

from selfseis import __version__
from selfseis.recording import recording_from_array, write_recording
from selfseis.validation import Verdict

Command = Callable[..., Result]
RIDGE = ("--method", "ridge")


def complaint(done: Result) -> str:
    """Return the error line of a command that could not use its input."""
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    (line,) = (line for line in done.stderr.splitlines() if "━" not in line)
    assert line.startswith("selfseis: ")
    return line


def written(path: Path, data: np.ndarray, *, rate: float = 50.0, seed_id: list[str] | None = None) -> Path:
    """Write channels as a fibre, or as stations where they have codes."""
    distance = None if seed_id else 10.0 * np.arange(len(data))
    recording = recording_from_array(data, rate, "2020-01-01", seed_id=seed_id, distance=distance)
    write_recording(recording, path)
    return path


def noise(n_channels: int, n_samples: int = 1500) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n_channels, n_samples)).astype(np.float32)


@pytest.fixture(scope="module")
def model(selfseis: Command, recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a ridge filter that was trained on the noise of a fibre."""
    folder = tmp_path_factory.mktemp("trained") / "model"
    done = selfseis("train", "denoiser", recordings / "noise.nc", "--model", folder, *RIDGE)
    assert done.exit_code == 0 and f"model: {folder}" in done.stdout
    return folder


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--start", "2021-01-01"], "no data in the requested span: they run from 2020-01-01T00:00:00"),
        (["--end", "2019-01-01"], "no data in the requested span"),
        (["--start", "2020-01-02", "--end", "2020-01-01"], "give an end after the start"),
        (["--start", "yesterday"], "'yesterday' is not a time: give it as 2014-05-01T06:00:00"),
        (["--select", "9000:9999"], "no channel in .*: the fibre runs from 0 to 150 m"),
        (["--select", "CX.*"], "on a fibre, select is a pair of distances"),
        (["--band", "1", "100"], "band 1 to 100 Hz must .* Nyquist frequency, 25 Hz"),
        (["--band", "5", "2"], "band 5 to 2 Hz must rise"),
        (["--band", "0", "2"], "band 0 to 2 Hz must"),
        (["--band", "nan", "2"], "band nan to 2 Hz must"),
        (["--sampling-rate", "100"], "no channel has a sampling rate of 100 Hz: there are 50 Hz"),
        (["--sampling-rate", "-1"], "no channel has a sampling rate of -1 Hz"),
        (["--inventory", "nowhere.xml"], "nowhere.xml does not exist: check the path"),
    ],
)
@pytest.mark.parametrize("command", ["run", "train", "denoise", "detect"])
def test_options_that_do_not_fit_the_recording(
    selfseis: Command, recordings: Path, tmp_path: Path, command: str, options: list[str], words: str
) -> None:
    typed: dict[str, list[object]] = {
        "run": ["run", "--out", tmp_path / "results", *RIDGE],
        "train": ["train", "denoiser", "--model", tmp_path / "model", *RIDGE],
        "denoise": ["denoise", "--out", tmp_path / "clean.nc", *RIDGE],
        "detect": ["detect", "--out", tmp_path / "results"],
    }
    line = complaint(selfseis(*typed[command], recordings / "noise.nc", *options))
    assert re.search(words, line), line
    assert not (tmp_path / "model").exists() and not (tmp_path / "clean.nc").exists()


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf"])
@pytest.mark.parametrize("command", ["run", "detect"])
def test_an_impossible_false_alarm_rate(
    selfseis: Command, recordings: Path, tmp_path: Path, command: str, rate: str
) -> None:
    done = selfseis(command, recordings / "noise.nc", "--out", tmp_path, "--false-alarms-per-day", rate)
    assert "false_alarms_per_day must be a number above 0, got" in complaint(done)


def unreadable_text(folder: Path) -> Path:
    path = folder / "day.mseed"
    path.write_text("not a waveform")
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "missing", "missing does not exist: check the path"),
        (lambda folder: folder / "*.mseed", r"no file matches .*\*.mseed: check the pattern"),
        (lambda folder: folder, "the folder holds no files"),
        (
            lambda folder: unreadable_text(folder).parent,
            "none of the 1 files can be used, the first .*day.mseed",
        ),
        (lambda folder: written(folder / "a.nc", noise(9) * np.nan), "every channel is empty or dead"),
        (lambda folder: written(folder / "a.nc", noise(9) * 0 + 3), "every channel is empty or dead"),
        (lambda folder: written(folder / "a.nc", noise(9, 1)), "empty or dead"),
    ],
)
@pytest.mark.parametrize("command", ["run", "detect"])
def test_unusable_data(
    selfseis: Command, tmp_path: Path, command: str, make: Callable[[Path], Path], words: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    line = complaint(selfseis(command, make(folder), "--out", tmp_path / "results"))
    assert re.search(words, line), line


def test_a_folder_that_may_not_be_read(
    selfseis: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests may run as root, who may read everything.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    done = selfseis("run", tmp_path, "--out", tmp_path.parent / "results")
    assert f"{tmp_path} may not be read: change its permissions" in complaint(done)


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("clean.sac", "must end in .nc, .zarr, .mseed"),
        (".", "must end in .nc, .zarr, .mseed"),
        ("nowhere/clean.nc", "nowhere does not exist: make it first"),
    ],
)
def test_a_bad_name_is_refused_before_the_training(
    selfseis: Command, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "selfseis.denoise.denoiser.Denoiser.fit", lambda *_, **__: pytest.fail("it was trained first")
    )
    assert words in complaint(selfseis("denoise", recordings / "noise.nc", "--out", out))


def test_results_never_replace_recordings_or_lie_among_them(
    selfseis: Command, recordings: Path, tmp_path: Path
) -> None:
    raw = shutil.copy(recordings / "noise.nc", tmp_path / "raw.nc")
    before = raw.read_bytes()
    for words in (
        ("denoise", raw, "--out", raw),
        ("run", tmp_path, "--out", tmp_path / "results"),
        ("detect", raw, tmp_path, "--out", tmp_path),
    ):
        assert "would lie among the data of" in complaint(selfseis(*words))
    assert raw.read_bytes() == before and list(tmp_path.iterdir()) == [raw]


def test_a_place_that_cannot_hold_results(selfseis: Command, recordings: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "letter.txt").write_text("precious")
    data = recordings / "noise.nc"
    for out in ("file", "file/below"):
        assert "cannot be made" in complaint(selfseis("run", data, "--out", tmp_path / out))
    for place, words in (("file", "is a file"), ("folder", "holds other files than a model")):
        assert words in complaint(selfseis("train", "denoiser", data, "--model", tmp_path / place))
    assert (tmp_path / "folder" / "letter.txt").read_text() == (tmp_path / "file").read_text() == "precious"


def test_a_disk_that_fails_is_one_line(
    selfseis: Command, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "catalogue.csv")

    monkeypatch.setattr(import_module("selfseis.workflow.detect"), "write_catalogue", full)
    line = complaint(selfseis("detect", recordings / "noise.nc", "--out", tmp_path))
    assert "No space left on device: 'catalogue.csv'" in line


def test_the_network_needs_a_line(selfseis: Command, recordings: Path, tmp_path: Path) -> None:
    done = selfseis("run", recordings / "quiet.mseed", "--out", tmp_path, "--method", "network")
    assert "use method 'ridge' for these channels" in complaint(done)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (shutil.rmtree, "holds no model: train one with 'selfseis train denoiser'"),
        (lambda folder: (folder / "model.json").write_text("{}"), "is damaged or of another kind"),
        (lambda folder: (folder / "model.json").write_text("[1"), "is damaged or of another kind"),
        (lambda folder: os.truncate(folder / "model.safetensors", 100), "is damaged or of another kind"),
    ],
)
def test_a_damaged_model(
    selfseis: Command,
    recordings: Path,
    model: Path,
    tmp_path: Path,
    damage: Callable[[Path], object],
    words: str,
) -> None:
    copy = shutil.copytree(model, tmp_path / "model")
    damage(copy)
    data = recordings / "noise.nc"
    for typed in (
        ("evaluate", copy, data),
        ("denoise", data, "--model", copy, "--out", tmp_path / "clean.nc"),
        ("detect", data, "--model", copy, "--out", tmp_path / "results"),
    ):
        assert words in complaint(selfseis(*typed))


def test_a_model_of_another_sampling_rate(selfseis: Command, model: Path, tmp_path: Path) -> None:
    fast = written(tmp_path / "fast.nc", noise(16), rate=100.0)
    for typed in (("evaluate", model, fast), ("denoise", fast, "--model", model, "--out", tmp_path / "a.nc")):
        assert "trained at 50 Hz and cannot be used at 100 Hz" in complaint(selfseis(*typed))


def test_all_commands_print_the_verdict_of_the_training_recording(
    selfseis: Command, recordings: Path, model: Path, tmp_path: Path
) -> None:
    data, of_training = recordings / "noise.nc", json.loads((model / "model.json").read_text())["verdict"]
    assert json.loads(selfseis("evaluate", model, data, "--json").stdout) == [of_training]
    assert selfseis("evaluate", model, data).stdout.split() == printed(of_training)
    cleaned = selfseis("denoise", data, "--model", model, "--out", tmp_path / "clean.nc")
    assert cleaned.stdout.split()[: len(printed(of_training))] == printed(of_training)


def printed(verdict: dict[str, Any]) -> list[str]:
    """Return the words of a verdict, independent of line breaks."""
    return str(Verdict.from_dict(verdict)).split()


def test_unreadable_files_are_named_and_the_rest_is_used(
    selfseis: Command, recordings: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(recordings / "quiet.mseed", data)
    broken = unreadable_text(data)
    for command in ("run", "detect"):
        done = selfseis(command, data, "--out", tmp_path / command)
        assert done.exit_code == 1 and f"could not be used: {broken}" in done.stderr
        run = json.loads((tmp_path / command / "run.json").read_text())
        assert run["quality_log"]["failed_units"] == [str(broken)]
        assert run["recording"]["n_channels"] == 9
        assert str(broken) in (tmp_path / command / "report.html").read_text()
    model, clean = tmp_path / "model", tmp_path / "clean.mseed"
    for typed in (
        ("train", "denoiser", data, "--model", model),
        ("evaluate", model, data),
        ("denoise", data, "--model", model, "--out", clean),
    ):
        done = selfseis(*typed)
        assert done.exit_code == 1 and f"could not be used: {broken}" in done.stderr
    assert (model / "model.json").is_file() and clean.is_file()


def one_station(components: str) -> list[str]:
    return [f"XX.A..HH{component}" for component in components]


@pytest.mark.parametrize(
    ("name", "data", "seed_id"),
    [
        ("one channel", noise(1), None),
        ("two channels", noise(2), None),
        ("one component", noise(1), one_station("Z")),
        ("one station", noise(3), one_station("ENZ")),
        ("very short", noise(12, 100), None),
        ("dead, empty and gappy channels", noise(12) * np.repeat([0, np.nan, 1], 4)[:, None], None),
        ("a gap on all", np.where(np.arange(1500) // 500 == 1, np.nan, noise(9)), None),
        ("tiny amplitudes", noise(9) * np.float32(1e-30), None),
        ("large amplitudes", noise(9) * np.float32(1e18), None),
    ],
)
def test_odd_recordings_of_noise_bring_no_gain(
    selfseis: Command, tmp_path: Path, name: str, data: np.ndarray, seed_id: list[str] | None
) -> None:
    path = written(tmp_path / "data.nc", data, seed_id=seed_id)
    done = selfseis("run", path, "--out", tmp_path / "results", *RIDGE)
    assert done.exit_code == 0, done.output
    verdicts = json.loads((tmp_path / "results" / "verdict.json").read_text())
    assert {verdict["verdict"] for verdict in verdicts} <= {"no_gain", "cannot_tell"}
    # Where noise is too short to count false alarms, its strongest transient is listed and called uncalibrated.
    assert "0 events" in done.stdout or "1 event, 1 of them uncalibrated" in done.stdout
    assert (tmp_path / "results" / "report.html").is_file()


def test_thousands_of_segments(selfseis: Command, tmp_path: Path) -> None:
    data = noise(2, 15_000)
    data[:, ::6] = np.nan
    path = written(tmp_path / "pieces.mseed", data, seed_id=["XX.A..HHZ", "XX.B..HHZ"])
    done = selfseis("detect", path, "--out", tmp_path / "results")
    assert done.exit_code == 0, done.output
    run = json.loads((tmp_path / "results" / "run.json").read_text())
    gaps = [found for found in run["quality_log"]["findings"] if found["kind"] == "gap"]
    assert {found["unit"] for found in gaps} == {"XX.A..HHZ", "XX.B..HHZ"}
    assert all(found["count"] == pytest.approx(2500, abs=1) for found in gaps)


def test_missing_metadata_of_a_bare_matrix_are_assumed_or_given(selfseis: Command, tmp_path: Path) -> None:
    path = tmp_path / "matrix.h5"
    with h5py.File(path, "w") as file:
        file["data"] = noise(12)
    out = ("--out", tmp_path / "results")
    assert "no sampling rate: 1 Hz assumed, give --sampling-rate" in selfseis("detect", path, *out).stderr
    given = ("--sampling-rate", 50, "--channel-spacing", 5, "--gauge-length", 10)
    done = selfseis("detect", path, *out, *given)
    assert done.exit_code == 0 and "no sampling rate" not in done.stderr
    recording = json.loads((tmp_path / "results" / "run.json").read_text())["recording"]
    assert (recording["geometry"], recording["sampling_rate"]) == ("fibre", 50.0)
    assert (recording["n_channels"], recording["n_samples"]) == (12, 1500)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run"], "DATA"),
        (["run", "data"], "--out"),
        (["run", "data", "--out", "o", "--method", "magic"], "'ridge'"),
        (["run", "data", "--out", "o", "--seed", "-1"], "--seed"),
        (["run", "data", "--out", "o", "--select", "near:far"], "FROM:TO"),
        (["picks", "data"], "No such command 'picks'"),
    ],
)
def test_mistyped_words_are_named(selfseis: Command, words: list[str], expected: str) -> None:
    done = selfseis(*words)
    assert done.exit_code == 2 and expected in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not a JSON file"),
        ("[1]", "must hold one JSON object"),
        ('{"no_such_option": 1}', "unknown options: no_such_option"),
        (None, "No such file"),
    ],
)
@pytest.mark.parametrize("command", ["run", "detect", "denoise", "explore", "pick"])
def test_a_wrong_file_of_options_is_refused(
    selfseis: Command, recordings: Path, tmp_path: Path, command: str, content: str | None, words: str
) -> None:
    path = tmp_path / "options.json"
    if content is not None:
        path.write_text(content)
    data, out = recordings / "noise.nc", tmp_path / "out.nc"
    assert words in complaint(selfseis(command, data, "--out", out, "--options", path))


def test_version_and_help(selfseis: Command) -> None:
    assert selfseis("--version").stdout == f"selfseis {__version__}\n"
    help_text = selfseis("--help").stdout
    for command in ("demo", "run", "train", "denoise", "detect", "explore", "evaluate"):
        assert f"\n  {command} " in help_text
        assert selfseis(command, "--help").exit_code == 0


def test_the_exit_status_reaches_the_shell(tmp_path: Path) -> None:
    typed = [sys.executable, "-W", "error", "-m", "selfseis.cli", "run", "missing", "--out", "results"]
    done = subprocess.run(typed, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "selfseis: missing does not exist: check the path\n"
    assert list(tmp_path.iterdir()) == []
