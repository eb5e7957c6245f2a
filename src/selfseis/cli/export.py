"""The command that exports a picker for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from selfseis.cli.helpers import guarded


class Target(StrEnum):
    """Format of an exported picker."""

    onnx = "onnx"
    seisbench = "seisbench"


def export(
    model: Annotated[Path, typer.Argument(help="Folder of a picker.", metavar="MODEL")],
    out: Annotated[Path, typer.Argument(help="File (onnx) or folder (seisbench) to write.", metavar="OUT")],
    to: Annotated[Target, typer.Option("--to", help="Format: an ONNX file, or a model folder of SeisBench.")],
) -> None:
    """Export the network of a picker, with its filter, rate and thresholds as settings.

    Example: selfseis export results/model picker.onnx --to onnx
    """

    def job() -> None:
        from selfseis.pick import Picker
        from selfseis.pick.export import export_onnx, export_seisbench

        picker = Picker.load(model)
        if to is Target.onnx:
            export_onnx(picker, out)
        else:
            export_seisbench(picker, out)
        print(f"{to.value}: {out}")

    guarded(job)
