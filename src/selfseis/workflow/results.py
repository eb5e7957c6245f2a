"""The folder of results: command, recording, run times, verdicts and quality log; the result of a job."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xarray as xr
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from selfseis import __version__
from selfseis.base import Estimator
from selfseis.catalogue.records import format_utc
from selfseis.errors import InputError
from selfseis.io.atomic import write_json
from selfseis.quality_log import CHANGED_NUMBERS, QualityLog, quality_log_of
from selfseis.recording import is_fibre, sample_times, sampling_rate
from selfseis.validation import Verdict

ProgressCallback = Callable[[float, float], None]
PACKAGES = ("numpy", "scipy", "xarray", "obspy", "torch", "dascore")


def check_output_outside_data(out: Path, sources: list[str]) -> None:
    """Refuse results among the recordings, because the next run would read them as data.

    Parameters
    ----------
    out : Path
        Where the results will be.
    sources : list of str
        Files and folders of recordings.

    Raises
    ------
    InputError
        If the results would lie in one of the folders, or replace one of the files.
    """
    for source in sources:
        if out.resolve().is_relative_to(Path(source).resolve()):
            raise InputError(
                f"the results in {out} would lie among the data of {source}: choose another --out"
            )


def checkpoint_beside(result: Path) -> Path:
    """Return the folder next to a result that holds the training checkpoint until the result is complete."""
    return result.resolve().with_name(f".{result.name}.training")


def is_fitted(estimator: Estimator) -> bool:
    """Return whether an estimator has been fitted."""
    return hasattr(estimator, "model_")


def check_model_settings(trained: Estimator, wanted: Estimator) -> None:
    """Refuse settings that differ from those of a trained model.

    Parameters
    ----------
    trained : Estimator
        The model.
    wanted : Estimator
        An estimator of the same kind with the settings of the user.

    Raises
    ------
    InputError
        If a setting is neither the default nor that of the model.
    """
    of_model, default = trained.get_params(), type(wanted)().get_params()
    for name, value in wanted.get_params().items():
        if value in (default[name], of_model[name]):
            continue
        values = "other options" if name == "options" else f"{name} = {of_model[name]}, got {value}"
        raise InputError(f"the model was trained with {values}: leave the option out, or train another model")


@contextmanager
def progress_bar(title: str, console: Console | None) -> Iterator[ProgressCallback]:
    """Show a bar while a stage runs.

    Parameters
    ----------
    title : str
        Name of the stage.
    console : Console or None
        Where to draw; None draws nothing.

    Yields
    ------
    callable
        Called with the completed and the total amount.
    """
    if console is None:
        yield lambda done, total: None
        return
    columns = TextColumn("{task.description:<22}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
        total = bar.tasks[0].total or 1
        bar.update(task, completed=total, total=total)


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """Result of a job.

    Attributes
    ----------
    report : Path
        The page.
    verdicts : list of Verdict
        One per task.
    summary : str
        Main result in a few words.
    failed_units : list of str
        Files and channels that could not be used.
    warnings : list of str
        Masked, repaired or assumed values, in words.
    table : list of str
        Lines of a table of scores on held-out data.
    """

    report: Path
    verdicts: list[Verdict]
    summary: str
    failed_units: list[str]
    warnings: list[str] = field(default_factory=list)
    table: list[str] = field(default_factory=list)


@dataclass
class Results:
    """Folder of the results of a job.

    Attributes
    ----------
    folder : Path
        Output folder; created if needed.
    command : str
        Name of the command.
    parameters : dict
        Parameters of the run as plain values; its ``options`` have a key of their own in ``run.json``.
    command_line : list of str
        Command line of the user, so that the run can be repeated.
    title : str
        Title of the recording on the page.
    notes : list of str
        Notes for the reader of the page.
    wall_seconds : dict
        Time of each stage.
    console : Console or None
        Terminal for progress bars; None draws nothing.
    """

    folder: Path
    command: str
    parameters: dict[str, Any]
    command_line: list[str] = field(default_factory=list)
    title: str = ""
    notes: list[str] = field(default_factory=list)
    wall_seconds: dict[str, float] = field(default_factory=dict)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    console: Console | None = None

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"the folder {self.folder} cannot be made ({error.strerror}): choose another --out"
            ) from error

    @contextmanager
    def stage(self, name: str, bar: str = "") -> Iterator[ProgressCallback]:
        """Measure the run time of a stage; with a title of a progress bar, also show its progress."""
        begin = time.perf_counter()
        try:
            with progress_bar(bar, self.console if bar else None) as progress:
                yield progress
        finally:
            self.wall_seconds[name] = self.wall_seconds.get(name, 0.0) + round(time.perf_counter() - begin, 3)

    def stage_with_bar(self, name: str) -> AbstractContextManager[ProgressCallback]:
        """Measure the run time of a stage, and show its progress under the same name."""
        return self.stage(name, bar=name)

    def write_run(self, recording: xr.DataArray, verdicts: list[Verdict], valid_fraction: float) -> list[str]:
        """Write ``verdict.json`` and ``run.json`` of a recording; return the units that could not be used."""
        write_json(self.folder / "verdict.json", [verdict.to_dict() for verdict in verdicts])
        described = _describe(recording, self.title) | {"valid_fraction": valid_fraction}
        return self.write_quality_log(quality_log_of(recording), recording=described)

    def write_quality_log(self, quality_log: QualityLog, **about: dict[str, Any]) -> list[str]:
        """Write ``run.json`` and return the units that could not be used.

        Parameters
        ----------
        quality_log : QualityLog
            Issues of the input.
        **about : dict
            Descriptions of the input, by key.
        """
        parameters = dict(self.parameters)
        options = parameters.pop("options", {})
        write_json(
            self.folder / "run.json",
            {
                "command": self.command,
                "command_line": self.command_line,
                "selfseis": __version__,
                "versions": _versions(),
                "machine": {"system": platform.platform(), "processor": platform.machine()},
                "seed": self.parameters.get("seed"),
                "started": self.started,
                "parameters": parameters,
                "options": options,
                "wall_seconds": self.wall_seconds,
                **about,
                "quality_log": {"findings": _findings(quality_log), "failed_units": quality_log.failed_units},
                "notes": self.notes,
            },
        )
        return quality_log.failed_units


def _versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _describe(recording: xr.DataArray, title: str) -> dict[str, Any]:
    n_channels, n_samples = recording.shape
    start, end = sample_times(recording, [0, max(n_samples - 1, 0)])
    return {
        "title": title,
        "n_channels": n_channels,
        "n_samples": n_samples,
        "sampling_rate": sampling_rate(recording),
        "start": format_utc(start, "ms"),
        "end": format_utc(end, "ms"),
        "units": recording.attrs.get("units", ""),
        "geometry": "fibre" if is_fibre(recording) else "network",
    }


def _findings(quality_log: QualityLog) -> list[dict[str, Any]]:
    """List the issues: each one that changed numbers first, then the others by kind and unit with a few examples."""
    changed = [
        {"kind": issue.kind, "unit": issue.unit, "detail": issue.detail, "count": issue.count}
        for issue in quality_log.issues
        if issue.kind in CHANGED_NUMBERS
    ]
    others = [
        {"kind": kind, "unit": unit, "detail": _joined_examples(found), "count": found["count"]}
        for kind, of_kind in quality_log.to_dict()["kinds"].items()
        if kind not in CHANGED_NUMBERS
        for unit, found in of_kind["units"].items()
    ]
    return changed + others


def _joined_examples(found: dict[str, Any]) -> str:
    examples = found["examples"]
    more = found["findings"] - len(examples)
    return "; ".join(examples) + (f"; and {more:,} more" if more else "")


def warning_lines(quality_log: QualityLog) -> list[str]:
    """Return lines for the terminal: each issue that changed numbers first, then one line for each other kind.

    Parameters
    ----------
    quality_log : QualityLog

    Examples
    --------
    >>> from selfseis.quality_log import QualityLog
    >>> from selfseis.workflow.results import warning_lines
    >>> log = QualityLog()
    >>> log.add("nan", "gnss.csv", "displacements of -9999 are codes for missing values: left out")
    >>> log.add("assumed", "gnss.csv", "displacements cannot be metres: read as mm", 24)
    >>> warning_lines(log)[0]
    'assumed: gnss.csv: displacements cannot be metres: read as mm (24)'
    """
    changed = [issue for issue in quality_log.issues if issue.kind in CHANGED_NUMBERS]
    lines = [
        f"{issue.kind.replace('_', ' ')}: {issue.unit}: {issue.detail}"
        + (f" ({issue.count:,})" if issue.count > 1 else "")
        for issue in changed
    ]
    others = QualityLog()
    for issue in quality_log.issues:
        if issue.kind not in CHANGED_NUMBERS:
            others.add(*issue)
    return lines + others.summary()
