"""The command that describes a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selfseis.cli.helpers import guarded
from selfseis.io.atomic import to_json


def card(
    model: Annotated[Path, typer.Argument(help="Folder of a model.", metavar="MODEL")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Print the card of a model: training data, verdict, thresholds, null results, versions and changed options.

    Example: selfseis card picker-model --json
    """

    def job() -> str:
        from selfseis.workflow.card import card_of, markdown_of

        content = card_of(model)
        return to_json(content) if as_json else markdown_of(content)

    print(guarded(job))
