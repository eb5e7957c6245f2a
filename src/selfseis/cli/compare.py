"""The command that compares pickers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand

from selfseis.cli.helpers import command_line, conclude, console_of, guarded
from selfseis.cli.options import Band, FalseDiscoveries, OptionsFile, Out, PickAlarms, Seed, read_options
from selfseis.cli.source import Source

if TYPE_CHECKING:
    from selfseis.workflow.compare import CompareResult

PICKERS = "--pickers"


class CompareCommand(TyperCommand):
    """Command whose option ``--pickers`` takes all words up to the next option."""

    def parse_args(self, ctx, args):  # type: ignore[no-untyped-def]
        """Write the option again before each of its words, which is how Click takes several values."""
        return super().parse_args(ctx, repeat_option(args, PICKERS))


def repeat_option(words: list[str], option: str) -> list[str]:
    """Return words with an option repeated before each of its values.

    Examples
    --------
    >>> from selfseis.cli.compare import repeat_option
    >>> repeat_option(["data", "--pickers", "a", "b", "--seed", "1"], "--pickers")
    ['data', '--pickers', 'a', '--pickers', 'b', '--seed', '1']
    """
    repeated: list[str] = []
    inside = False
    for word in words:
        is_option = word.startswith("-")
        if inside and not is_option:
            repeated += [option, word]
        elif word != option:
            repeated.append(word)
        inside = word == option or (inside and not is_option)
    return repeated


def compare(
    source: Source,
    pickers: Annotated[
        list[str],
        typer.Option(
            PICKERS,
            help="Pickers, after the data: starting, folders of models, or names such as seisbench:PhaseNet/original.",
        ),
    ],
    out: Out,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", help="Labelled onsets to compare with: CSV (station, phase, time) or QuakeML."
        ),
    ] = None,
    band: Band = None,
    false_discovery_rate: FalseDiscoveries = None,
    false_alarms_per_day: PickAlarms = None,
    seed: Seed = 0,
    options: OptionsFile = None,
) -> None:
    """Compare pickers on your recordings; no label is needed.

    STA/LTA with AIC, an untrained network and the starting network are always in the tables. The order is that of the
    agreement with the other pickers and of the confirmation by other stations, at equal counts.

    Example: selfseis compare archive --pickers starting seisbench:PhaseNet/original --out comparison
    """

    def job() -> CompareResult:
        from selfseis.compare.options import ComparisonOptions
        from selfseis.pick.model import OperatingPoint
        from selfseis.workflow.compare import compare

        source.check_outside(out)
        rate = 0.5 if false_discovery_rate is None else false_discovery_rate
        return compare(
            source.open(),
            out,
            pickers,
            labels=labels,
            operating_point=OperatingPoint(rate, false_alarms_per_day),
            band=band,
            seed=seed,
            options=read_options(options, ComparisonOptions),
            title=source.title,
            command_line=command_line(),
            console=console_of(),
        )

    conclude(guarded(job), page="tables")
