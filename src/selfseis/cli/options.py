"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Method(StrEnum):
    """Denoising method."""

    auto = "auto"
    ridge = "ridge"
    network = "network"


Data = Annotated[
    list[str], typer.Argument(help="Files, folders, globs, an SDS archive or a URL.", metavar="DATA...")
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the results; created if needed.")]
Model = Annotated[Path | None, typer.Option("--model", help="Folder of a trained model.")]
Start = Annotated[str | None, typer.Option("--start", help="Start time, UTC, such as 2014-05-01T06:00:00.")]
End = Annotated[str | None, typer.Option("--end", help="End time, UTC.")]
Select = Annotated[
    str | None,
    typer.Option("--select", help="Stations, such as CX.PB0?..HHZ; on a fibre, a section FROM:TO in m."),
]
Inventory = Annotated[
    Path | None, typer.Option("--inventory", help="StationXML file with coordinates and responses.")
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--sampling-rate",
        help="Sampling rate in Hz: of a bare matrix, or the one to keep if there are several.",
    ),
]
Spacing = Annotated[
    float | None,
    typer.Option("--channel-spacing", help="Channel spacing in m of a fibre whose file lacks it."),
]
Gauge = Annotated[
    float | None, typer.Option("--gauge-length", help="Gauge length in m of a fibre whose file lacks it.")
]
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
    typer.Option("--s-minus-p", help="Minimum and maximum S - P time in s; by default 30 to 1300 samples."),
]
Rounds = Annotated[int, typer.Option("--rounds", help="Maximum number of self-training rounds.", min=0)]
TrainingFraction = Annotated[
    float,
    typer.Option(
        "--training-fraction",
        help="Share of the full training to run; 0.1 is fast but picks worse.",
        min=0.01,
    ),
]
Picks = Annotated[
    bool, typer.Option("--picks/--no-picks", help="Also train a picker and locate events (stations only).")
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
Jobs = Annotated[
    int, typer.Option("--jobs", help="Number of tiles denoised at the same time, one core per tile.", min=1)
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of all random numbers.", min=0)]
