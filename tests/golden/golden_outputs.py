"""Golden outputs: what each command of the command line writes and prints for small recordings.

Every group of commands runs in a process of its own, on one thread, in an empty folder. All paths are relative to
that folder, so no output depends on the machine. The recordings are simulated with fixed seeds; the geodetic data
and the arrival times are the files in ``inputs``.

The kept outputs are one JSON file per command in ``expected``. Text must be equal there, and numbers must be equal
to a relative tolerance of 1e-6. ``expected/environment.json`` records the versions of the numerical libraries and
the instructions of the processor. In another environment, rounding differs. Numbers must then be equal to 1e-3;
sentences, p-values and samples of waveforms are not compared. Where a neural network is trained, rounding errors
grow: only exit status, names of files, keys and columns are compared then.

Run ``python tests/golden/update.py`` to write the kept outputs again. It prints every difference.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EXPECTED = HERE / "expected"
INPUTS = HERE / "inputs"
ENVIRONMENT = EXPECTED / "environment.json"
TRAIN, EVALUATE = "train", "evaluate"  # names of commands

RTOL, ATOL = 1e-6, 1e-9
RTOL_ELSEWHERE, ATOL_ELSEWHERE = 1e-3, 1e-3
DROPPED = {"command_line", "machine", "started", "versions", "wall_seconds", "selfseis"}  # keys of JSON files
LOOSE = {"p_value"}  # keys and columns that are not compared in another environment
MAX_ROWS = 150  # of a table; of a longer one every second row is kept, or every third, ...
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch")


@dataclass(frozen=True)
class Case:
    """A command and the files that are kept of its results.

    Attributes
    ----------
    name : str
        Name of the file of kept outputs.
    words : str
        What a user types, in the folder of its group.
    files : tuple of str
        Files that the command writes.
    trained : bool
        Whether the results depend on the training of a neural network.
    """

    name: str
    words: str
    files: tuple[str, ...] = ()
    trained: bool = False


def _under(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)


_ATLAS = ("verdict.json", "explore.json", "segments.csv", "classes.csv", "multiplets.csv", "novelty.csv")
_INVERSION = ("verdict.json", "run.json", "summary.json", "heldout.csv")
_PICKED = ("verdict.json", "run.json", "picks.csv", "picks_summary.json")
_RUN = ("verdict.json", "run.json", "catalogue.csv", "timeline.nc")

GROUPS: dict[str, tuple[Case, ...]] = {
    "fibre": (
        Case(
            "run_fibre",
            "run fibre.nc --out run --method ridge",
            _under("run", *_RUN, "denoised.nc", "explore/verdict.json", "explore/segments.csv"),
        ),
        Case("train_denoiser", f"{TRAIN} denoiser next.nc --model ridge --method ridge"),
        Case("train_denoiser_further", f"{TRAIN} denoiser next.nc --model further --init-from run/model"),
        Case("denoise", "denoise next.nc --model run/model --out clean.nc --uncertainty sd.nc", ("clean.nc", "sd.nc")),
        Case(
            "detect",
            "detect next.nc --out detected --model run/model",
            _under("detected", "verdict.json", "run.json", "catalogue.csv", "timeline.nc"),
        ),
        Case("evaluate_denoiser", f"{EVALUATE} run/model next.nc --json"),
    ),
    "stations": (
        Case("run_network", "run network.nc --out run --no-picks --no-explore", _under("run", *_RUN)),
        Case("train_explorer", f"{TRAIN} explorer network.mseed --model explorer", trained=True),
        Case(
            "explore",
            "explore next.mseed --out explored --model explorer --similar-to 2020-01-02T00:02:00",
            _under("explored", *_ATLAS, "similar.csv"),
            trained=True,
        ),
        Case("evaluate_explorer", f"{EVALUATE} explorer next.mseed --json", trained=True),
        Case(
            "explore_from_scratch",
            "explore network.mseed --out grouped --grouping ward --representation scattering",
            _under("grouped", *_ATLAS),
        ),
    ),
    "picker": (
        Case(
            "train_picker",
            f"{TRAIN} picker network.mseed --model picker --training-fraction 0.01 --rounds 1 "
            "--false-alarms-per-day 300",
            trained=True,
        ),
        Case("pick", "pick next.mseed --out picked --model picker", _under("picked", *_PICKED), trained=True),
        Case("pick_at_first", "pick next.mseed --out first", _under("first", *_PICKED), trained=True),
        Case("evaluate_picker", f"{EVALUATE} picker next.mseed", trained=True),
    ),
    "inversion": (
        Case(
            "slip",
            "slip --gnss gnss.csv --insar scene.csv --fault fault.geojson --out slip --patch-km 10 --folds 4 "
            "--samples 20",
            _under("slip", *_INVERSION, "slip.nc"),
            trained=True,
        ),
        Case(
            "tomography",
            "tomography --arrivals arrivals.csv --stations stations.csv --out tomography --cell 30 --hold-out event "
            "--folds 3 --samples 4",
            _under("tomography", *_INVERSION, "model.nc"),
            trained=True,
        ),
    ),
    "network_denoiser": (
        Case("train_denoiser_network", f"{TRAIN} denoiser short.nc --model network", trained=True),
        Case("denoise_with_network", "denoise short.nc --model network --out clean.nc", ("clean.nc",), trained=True),
    ),
    "picks_of_a_run": (
        Case(
            "run_network_with_picks",
            "run network.nc --out run --training-fraction 0.01 --no-explore",
            _under("run", *_RUN, *_PICKED[2:], "locations.json"),
            trained=True,
        ),
    ),
}  # fmt: skip
FIBRES = {"fibre", "network_denoiser"}
PICKING = {"picker", "picks_of_a_run"}  # more and stronger events
SLOW = {"network_denoiser", "picks_of_a_run"}  # networks are trained
NEEDS = {"inversion": ("skfmm", "scikit-fmm is not installed")}  # a module, and the reason to skip


def missing(group: str) -> str | None:
    """Return the reason why a group of commands cannot run here, None if it can."""
    module, reason = NEEDS.get(group, ("", ""))
    return reason if module and importlib.util.find_spec(module) is None else None


def environment() -> dict[str, str]:
    """Return what rounding errors depend on."""
    import torch

    return {
        "machine": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        **{package: version(package) for package in PACKAGES},
    }


def write_inputs(group: str, folder: Path) -> None:
    """Simulate the recordings of a group of commands, or copy its tables."""
    import shutil

    from selfseis import write_recording
    from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events

    if group == "inversion":
        for path in INPUTS.iterdir():
            shutil.copy(path, folder)
        return
    for name, day, n_events in (("first", "2020-01-01", 3), ("next", "2020-01-02", 2)):
        if group in FIBRES:
            noise = simulate_noise_recording("white", "fibre", 1 / 12, 50.0, 24, seed=3, start=day)
            path = folder / ("fibre.nc" if name == "first" else "next.nc")
            snr = 20.0
        else:
            noise = simulate_noise_recording(
                "white", "network", 1 / 6, 50.0, 15, seed=2, components="ENZ", start=day
            )
            path = folder / ("network.mseed" if name == "first" else "next.mseed")
            n_events, snr = (10 + n_events, 60.0) if group in PICKING else (1 + n_events, 30.0)
        recording = simulate_recording_with_events(noise, snr, n_events, seed=n_events)[0]
        write_recording(recording, path)
        if path.name == "network.mseed":
            write_recording(recording, folder / "network.nc")  # with coordinates, which miniSEED has not
        if path.name == "fibre.nc":
            write_recording(recording.isel(channel=slice(0, 16), time=slice(2000, 3000)), folder / "short.nc")


def produce(group: str, folder: Path) -> dict[str, Any]:
    """Run the commands of a group in a process of its own, in an empty folder, and return their outputs by name."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), group],
        cwd=folder,
        env=os.environ | threads,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the commands of {group} failed:\n{done.stderr[-4000:]}")
    return dict(json.loads((folder / "outputs.json").read_text()))


def _run_here(group: str) -> None:
    """Run the commands of a group in the present folder and write their outputs to ``outputs.json``."""
    import torch
    from typer.testing import CliRunner

    from selfseis.cli import app

    torch.set_num_threads(1)
    folder = Path()
    write_inputs(group, folder)
    outputs = {}
    for case in GROUPS[group]:
        words = case.words.split()
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        if done.exit_code:
            print(case.words, done.stderr, sep="\n", file=sys.stderr)
            sys.exit(1)
        issues = [line for line in done.stderr.splitlines() if line.startswith("selfseis: ")]
        outputs[case.name] = {
            "command": case.words,
            "exit_status": done.exit_code,
            "printed": _printed(done.stdout),
            "issues": issues,
            "files": {name: _content(folder / name) for name in case.files},
        }
    (folder / "outputs.json").write_text(json.dumps(outputs))


def _printed(text: str) -> Any:
    if text.startswith(("[", "{")):
        return json.loads(text)
    return [line.rstrip() for line in text.splitlines()]


def _content(path: Path) -> Any:
    """Return the content of a file for JSON: a table as its header and rows, waveforms and models as moments."""
    if not path.exists():
        return "not written"
    if path.suffix == ".json":
        return _without_dropped(json.loads(path.read_text()))
    if path.suffix == ".csv":
        header, *rows = path.read_text().splitlines()
        return {"columns": header, "n_rows": len(rows), "rows": rows[:: 1 + len(rows) // MAX_ROWS]}
    return _moments(path)


def _without_dropped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_dropped(item) for key, item in value.items() if key not in DROPPED}
    if isinstance(value, list):
        return [_without_dropped(item) for item in value]
    return value


def _moments(path: Path) -> dict[str, Any]:
    """Return the shape, the finite share, the mean and the root mean square of the variables of a NetCDF file."""
    import numpy as np
    import xarray as xr

    found: dict[str, Any] = {}
    with xr.open_dataset(path, engine="h5netcdf", decode_times=False) as stored:
        for name, variable in sorted(stored.variables.items()):
            values = np.asarray(variable.values)
            if values.dtype.kind not in "iuf":
                continue
            known = values[np.isfinite(values)].astype(np.float64)
            found[str(name)] = {
                "dims": list(variable.dims),
                "shape": list(values.shape),
                "finite": known.size,
                "mean": float(known.mean()) if known.size else None,
                "rms": float(np.sqrt(np.square(known).mean())) if known.size else None,
            }
    return found


def differences(expected: Any, found: Any, *, same: bool, trained: bool, path: str = "") -> Iterator[str]:
    """Yield every difference between kept and present outputs: where it is, the kept value and the present one.

    Parameters
    ----------
    expected, found : object
        Contents of JSON.
    same : bool
        Whether the environment is the recorded one.
    trained : bool
        Whether the outputs depend on the training of a neural network.
    path : str
        Where in the outputs the values are.
    """
    options = {"same": same, "trained": trained}
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            where = f"{path}/{key}"
            if key not in found:
                yield f"{where}: {_short(expected[key])} is missing"
            elif key not in expected:
                yield f"{where}: {_short(found[key])} is new"
            elif key == "rows":
                yield from _row_differences(expected, found, path, **options)
            elif same or key not in LOOSE:
                yield from differences(expected[key], found[key], **options, path=where)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found) and (same or not trained):
            yield f"{path}: {len(expected)} -> {len(found)} entries"
        for number, pair in enumerate(zip(expected, found, strict=False)):
            yield from differences(*pair, **options, path=f"{path}/{number}")
    elif not _equal(expected, found, path, **options):
        yield f"{path}: {_short(expected)} -> {_short(found)}"


def _row_differences(
    expected: dict[str, Any], found: dict[str, Any], path: str, *, same: bool, trained: bool
) -> Iterator[str]:
    """Compare the rows of two tables by column."""
    if trained and not same:
        return
    before, after = (list(csv.reader(table["rows"])) for table in (expected, found))
    columns = expected["columns"].split(",")
    if len(before) != len(after):
        yield f"{path}/rows: {len(before)} -> {len(after)} rows"
        return
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        if len(old) != len(new):
            yield f"{path}/rows/{number}: {old} -> {new}"
            continue
        for column, one, other in zip(columns, map(_cell, old), map(_cell, new), strict=False):
            where = f"{path}/rows/{number}/{column}"
            if not (column in LOOSE and not same) and not _equal(
                one, other, where, same=same, trained=trained
            ):
                yield f"{where}: {one} -> {other}"


def _cell(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _equal(expected: Any, found: Any, path: str, *, same: bool, trained: bool) -> bool:
    loose = trained and not same
    if _is_number(expected) and _is_number(found):
        rtol, atol = (RTOL, ATOL) if same else (RTOL_ELSEWHERE, ATOL_ELSEWHERE)
        return loose or abs(expected - found) <= atol + rtol * abs(expected) or repr(expected) == repr(found)
    if isinstance(expected, str) and isinstance(found, str) and not same:
        words = "/columns" in path or "/command" in path or "/dims" in path
        return expected == found if words else True
    return loose or expected == found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 300 else f"{text[:300]}..."


def kept(case: Case) -> Any:
    """Return the kept outputs of a command, None where there are none."""
    path = EXPECTED / f"{case.name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def keep(name: str, outputs: Any) -> None:
    """Write the kept outputs of a command."""
    EXPECTED.mkdir(exist_ok=True)
    text = json.dumps(outputs, indent=1, sort_keys=True, ensure_ascii=False)
    (EXPECTED / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    _run_here(sys.argv[1])
