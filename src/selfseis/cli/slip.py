"""Commands that invert for what nobody has seen: slip on a fault."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.helpers import command_line, console_of, exit_for, guarded
from selfseis.cli.options import Out, Seed

if TYPE_CHECKING:
    from selfseis.workflow.slip import Inverted


class NoiseChoice(StrEnum):
    """Noise of the displacements."""

    AUTO = "auto"
    GAUSSIAN = "gaussian"
    STUDENT = "student"


def slip(
    fault: Annotated[
        Path,
        typer.Option(
            "--fault", help="Fault: GeoJSON of rectangles or triangles, or .fsp (its slip is not used)."
        ),
    ],
    out: Out,
    gnss: Annotated[
        Path | None,
        typer.Option(
            "--gnss", help="CSV site, lon, lat, e, n, u, se, sn, su in m; or static_data.json of the USGS."
        ),
    ] = None,
    insar: Annotated[
        list[Path] | None,
        typer.Option(
            "--insar",
            help="CSV lon, lat, los, look_e, look_n, look_u, sigma in m; txt of the USGS; .npz of kite. Once a scene.",
        ),
    ] = None,
    more: Annotated[
        list[Path] | None, typer.Argument(help="Further InSAR scenes.", metavar="[INSAR...]")
    ] = None,
    patch_km: Annotated[
        float | None,
        typer.Option("--patch-km", help="Size of patches; by default about 200 of them.", min=0.05),
    ] = None,
    near_fault_km: Annotated[
        float | None,
        typer.Option(
            "--near-fault-km", help="Mask InSAR so near to the trace; by default a quarter patch.", min=0
        ),
    ] = None,
    rigidity_gpa: Annotated[
        float | None, typer.Option("--rigidity-gpa", help="By default that of the .fsp, or of ak135.", min=1)
    ] = None,
    check_sign: Annotated[
        bool, typer.Option("--sign-check/--no-sign-check", help="Turn scenes whose sign contradicts GNSS.")
    ] = True,
    noise: Annotated[
        NoiseChoice,
        typer.Option("--noise", help="Whether outliers count less; by default hidden data choose."),
    ] = NoiseChoice.AUTO,
    max_patches: Annotated[
        int, typer.Option("--max-patches", help="Patches of finer faults are merged to so many.", min=2)
    ] = 400,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            "--prior", help="laplacian, positive-gp, gp or neural; by default all stand side by side."
        ),
    ] = None,
    folds: Annotated[int, typer.Option("--folds", help="Number of folds of hidden blocks.", min=2)] = 8,
    samples: Annotated[int, typer.Option("--samples", help="Draws from the posterior.", min=20)] = 200,
    seed: Seed = 0,
) -> None:
    """Invert GNSS and InSAR for slip on a fault, and say what hidden data make of it."""

    def job() -> Inverted:
        from selfseis.slip import SlipInversion
        from selfseis.slip.priors import PRIORS
        from selfseis.workflow.slip import invert_slip

        inversion = SlipInversion(
            priors=tuple(prior or PRIORS), n_folds=folds, n_samples=samples, patch_km=patch_km,
            near_fault_km=near_fault_km, rigidity_gpa=rigidity_gpa, check_sign=check_sign, seed=seed,
            noise_model=noise.value, max_patches=max_patches,
        )  # fmt: skip
        scenes = [*(insar or []), *(more or [])]
        return invert_slip(
            gnss, scenes, fault, out, inversion, command_line=command_line(), console=console_of()
        )

    outcome = guarded(job)
    for line in outcome.warnings:
        print(f"selfseis: {line}", file=sys.stderr)
    print(outcome.verdict)
    print("\n".join(outcome.side_by_side))
    print(f"{outcome.said}; report: {outcome.report}")
    exit_for(outcome.failed_units)
