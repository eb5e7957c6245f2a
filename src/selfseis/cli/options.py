"""Options that several commands share."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from selfseis.errors import InputError
from selfseis.options import Options

Kind = TypeVar("Kind", bound=Options)


class Method(StrEnum):
    """Denoising method."""

    auto = "auto"
    ridge = "ridge"
    network = "network"


Out = Annotated[Path, typer.Option("--out", help="Folder of the results; created if needed.")]
TrainedModel = Annotated[Path, typer.Option("--model", help="Folder of the trained model.")]
Model = Annotated[Path | None, typer.Option("--model", help="Folder of a trained model.")]
Band = Annotated[
    tuple[float, float] | None,
    typer.Option("--band", help="Pass band in Hz; by default chosen from the sampling rate."),
]
BlindZone = Annotated[
    int | None,
    typer.Option(
        "--blind-zone",
        min=0,
        help="Number of channels on either side that share the noise of a fibre channel; by default measured.",
    ),
]
FalseDiscoveries = Annotated[
    float | None,
    typer.Option(
        "--false-discovery-rate",
        help="Accepted share of false picks, 0 to 1; by default 0.5, or that of the model. It needs no training.",
    ),
]
PickAlarms = Annotated[
    float | None,
    typer.Option(
        "--false-alarms-per-day",
        help="Accepted false alarms of each phase per station and day, instead of a share; for long quiet records.",
    ),
]
MinProbability = Annotated[
    float | None,
    typer.Option("--min-probability", help="Minimum probability of a pick, instead of a share or a rate."),
]
FalseAlarms = Annotated[
    float, typer.Option("--false-alarms-per-day", help="Accepted number of false alarms per day.")
]
MethodOption = Annotated[
    Method,
    typer.Option(
        "--method", help="Denoising method; auto trains the network on a fibre and keeps the better method."
    ),
]
SMinusP = Annotated[
    tuple[float, float] | None,
    typer.Option("--s-minus-p", help="Minimum and maximum S - P time in s; by default 25 to 5400 samples."),
]
Rounds = Annotated[int, typer.Option("--rounds", help="Maximum number of self-training rounds.", min=0)]
TrainingFraction = Annotated[
    float,
    typer.Option(
        "--training-fraction",
        help="Fraction of the training steps of the picker; 0.1 is a quick test, 0 (run only) skips training.",
        min=0.0,
    ),
]
Picks = Annotated[
    bool, typer.Option("--picks/--no-picks", help="Also pick and locate events (stations only).")
]
Explore = Annotated[
    bool, typer.Option("--explore/--no-explore", help="Also group windows into classes and write an atlas.")
]
Velocity = Annotated[
    Path | None,
    typer.Option(
        "--velocity", help="1-D velocity model: depth in km, vp and vs in km/s; by default estimated."
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of all random numbers.", min=0)]
OptionsFile = Annotated[
    Path | None,
    typer.Option(
        "--options",
        help="JSON file of options to change, as in the options of run.json; see docs/options.md.",
    ),
]


def read_options(path: Path | None, kind: type[Kind]) -> Kind:
    """Return the options of a JSON file; options that it does not name keep their defaults.

    Parameters
    ----------
    path : Path or None
        The file; None gives the defaults.
    kind : type
        Class of the options.

    Raises
    ------
    InputError
        If the file does not hold options, or an option does not exist or is of another type than its default.
    """
    if path is None:
        return kind()
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f'{path} must hold one JSON object, such as {{"group": {{"option": 1}}}}')
    try:
        return kind.from_dict(values)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
