"""The options that commands have in common."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Method(StrEnum):
    """How to denoise."""

    auto = "auto"
    ridge = "ridge"
    network = "network"


Data = Annotated[
    list[str], typer.Argument(help="Files, folders, globs, an SDS archive, or a URL.", metavar="DATA...")
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the results.")]
Model = Annotated[Path | None, typer.Option("--model", help="Folder of a model that was learnt.")]
Start = Annotated[str | None, typer.Option("--start", help="First time to use, UTC.")]
End = Annotated[str | None, typer.Option("--end", help="Time up to which to use, UTC.")]
Select = Annotated[
    str | None, typer.Option("--select", help="Stations, such as CX.PB0?..HHZ; on a fibre FROM:TO in m.")
]
Inventory = Annotated[
    Path | None, typer.Option("--inventory", help="StationXML with coordinates and responses.")
]
Rate = Annotated[
    float | None, typer.Option("--sampling-rate", help="Hz: of a bare matrix, or the one to keep of several.")
]
Spacing = Annotated[
    float | None, typer.Option("--channel-spacing", help="m, for a fibre whose file does not say.")
]
Gauge = Annotated[
    float | None, typer.Option("--gauge-length", help="m, for a fibre whose file does not say.")
]
Band = Annotated[
    tuple[float, float] | None,
    typer.Option("--band", help="Pass band in Hz; by default what suits the sampling rate."),
]
BlindZone = Annotated[
    int | None,
    typer.Option(
        "--blind-zone",
        min=0,
        help="Channels on either side that share a fibre channel's noise; by default as measured.",
    ),
]
FalseAlarms = Annotated[
    float, typer.Option("--false-alarms-per-day", help="Rate of false alarms that is accepted.")
]
MethodOption = Annotated[
    Method, typer.Option("--method", help="auto tries the network on a fibre and keeps what is better.")
]
SMinusP = Annotated[
    tuple[float, float] | None,
    typer.Option("--s-minus-p", help="Shortest and longest S - P in s; by default 30 to 1300 samples."),
]
Rounds = Annotated[
    int, typer.Option("--rounds", help="Most rounds of learning from what stations agree on.", min=0)
]
TrainingFraction = Annotated[
    float,
    typer.Option(
        "--training-fraction",
        help="Training as a share of the full course; 0.1 is a quick look, and picks worse.",
        min=0.01,
    ),
]
Picks = Annotated[
    bool, typer.Option("--picks/--no-picks", help="Of stations: also learn to pick, and locate events.")
]
Explore = Annotated[
    bool, typer.Option("--explore/--no-explore", help="Also group windows and make an atlas.")
]
Velocity = Annotated[
    Path | None,
    typer.Option(
        "--velocity", help="1-D velocity model: depth in km, vp and vs in km/s; else it is estimated."
    ),
]
Jobs = Annotated[int, typer.Option("--jobs", help="Tiles cleaned at the same time, one core each.", min=1)]
Seed = Annotated[int, typer.Option("--seed", help="Seed of everything random.", min=0)]
