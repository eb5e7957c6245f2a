"""The folder of results: command, recording, run times, verdicts and quality log."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xarray as xr

from selfseis import __version__
from selfseis.catalogue.records import format_utc
from selfseis.errors import InputError
from selfseis.io.atomic import write_json
from selfseis.quality_log import QualityLog, quality_log_of
from selfseis.recording import is_fibre, sample_times, sampling_rate
from selfseis.validation import Verdict

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
        Parameters of the run.
    command_line : list of str
        Command line of the user, so that the run can be repeated.
    title : str
        Title of the recording on the page.
    notes : list of str
        Notes for the reader of the page.
    wall_seconds : dict
        Time of each stage.
    """

    folder: Path
    command: str
    parameters: dict[str, Any]
    command_line: list[str] = field(default_factory=list)
    title: str = ""
    notes: list[str] = field(default_factory=list)
    wall_seconds: dict[str, float] = field(default_factory=dict)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"the folder {self.folder} cannot be made ({error.strerror}): choose another --out"
            ) from error

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the run time of a stage."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.wall_seconds[name] = self.wall_seconds.get(name, 0.0) + round(time.perf_counter() - begin, 3)

    def write_verdicts(self, verdicts: list[Verdict]) -> None:
        """Write ``verdict.json``."""
        write_json(self.folder / "verdict.json", [verdict.to_dict() for verdict in verdicts])

    def write_run(self, recording: xr.DataArray, valid_fraction: float) -> list[str]:
        """Write ``run.json`` of a recording and return the units that could not be used."""
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
                "parameters": self.parameters,
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
    """List the issues by kind and unit, each with its first example."""
    return [
        {"kind": kind, "unit": unit, "detail": found["examples"][0], "count": found["count"]}
        for kind, of_kind in quality_log.to_dict()["kinds"].items()
        for unit, found in of_kind["units"].items()
    ]
