"""The command line: all commands under the name ``selfseis``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from selfseis import __version__
from selfseis.cli.calibrate import calibrate
from selfseis.cli.card import card
from selfseis.cli.check import check
from selfseis.cli.compare import CompareCommand, compare
from selfseis.cli.denoise import denoise
from selfseis.cli.detect import detect
from selfseis.cli.evaluate import evaluate
from selfseis.cli.explore import explore
from selfseis.cli.export import export
from selfseis.cli.pick import pick
from selfseis.cli.run import demo, run
from selfseis.cli.slip import slip
from selfseis.cli.source import with_source
from selfseis.cli.tomography import tomography
from selfseis.cli.train import train_denoiser, train_explorer, train_picker

app = typer.Typer(
    name="selfseis",
    help="Self-supervised machine learning for seismology, with one verdict per task.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
train_app = typer.Typer(
    help="Train a model on unlabelled recordings.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(train_app, name="train")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"selfseis {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


ON_RECORDINGS: tuple[Callable[..., None], ...] = (
    check,
    run,
    denoise,
    detect,
    pick,
    calibrate,
    evaluate,
    explore,
)
TRAINING: tuple[Callable[..., None], ...] = (train_denoiser, train_picker, train_explorer)

app.command()(demo)
for command in ON_RECORDINGS:
    app.command()(with_source(command))
app.command(cls=CompareCommand)(with_source(compare))
app.command()(card)
app.command()(slip)
app.command()(tomography)
app.command()(export)
for command in TRAINING:
    train_app.command(command.__name__.removeprefix("train_"))(with_source(command))


def main() -> None:
    """Run the command line."""
    app()
