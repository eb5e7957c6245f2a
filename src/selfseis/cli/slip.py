"""The command that inverts displacements for slip on a fault."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selfseis.cli.helpers import command_line, conclude, console_of, guarded
from selfseis.cli.options import OptionsFile, Out, Seed, read_options

if TYPE_CHECKING:
    from selfseis.workflow.results import JobResult


class LengthUnit(StrEnum):
    """Unit of the displacements and errors in a table."""

    METRE = "m"
    CENTIMETRE = "cm"
    MILLIMETRE = "mm"


class NoiseChoice(StrEnum):
    """Noise model of the displacements."""

    AUTO = "auto"
    GAUSSIAN = "gaussian"
    STUDENT = "student"


def slip(
    fault: Annotated[
        Path,
        typer.Option(
            "--fault",
            help="Fault geometry: GeoJSON of rectangles or triangles, or .fsp (its slip is not used).",
        ),
    ],
    out: Out,
    gnss: Annotated[
        Path | None,
        typer.Option(
            "--gnss",
            help="GNSS displacements: CSV of site, lon, lat, e, n, u, se, sn, su in m; or the USGS static_data.json.",
        ),
    ] = None,
    insar: Annotated[
        list[Path] | None,
        typer.Option(
            "--insar",
            help="InSAR scene: CSV of lon, lat, los, look_e, look_n, look_u, sigma in m; USGS txt; kite .npz. "
            "Repeat for each scene.",
        ),
    ] = None,
    more: Annotated[
        list[Path] | None, typer.Argument(help="More InSAR scenes.", metavar="[INSAR...]")
    ] = None,
    patch_km: Annotated[
        float | None,
        typer.Option(
            "--patch-km", help="Patch size in km; by default chosen to give about 200 patches.", min=0.05
        ),
    ] = None,
    near_fault_km: Annotated[
        float | None,
        typer.Option(
            "--near-fault-km",
            help="Distance in km to the fault trace within which InSAR is masked; by default a quarter patch.",
            min=0,
        ),
    ] = None,
    rigidity_gpa: Annotated[
        float | None,
        typer.Option(
            "--rigidity-gpa", help="Rigidity in GPa; by default that of the .fsp file, or of ak135.", min=1
        ),
    ] = None,
    check_sign: Annotated[
        bool,
        typer.Option("--sign-check/--no-sign-check", help="Reverse the sign of scenes that contradict GNSS."),
    ] = True,
    noise: Annotated[
        NoiseChoice,
        typer.Option(
            "--noise", help="Noise model; auto chooses on held-out data whether outliers count less."
        ),
    ] = NoiseChoice.AUTO,
    max_patches: Annotated[
        int,
        typer.Option(
            "--max-patches", help="Maximum number of patches; patches of finer faults are merged.", min=2
        ),
    ] = 400,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            "--prior",
            help="Prior: laplacian, positive-gp, gp or neural; repeatable; by default all are compared.",
        ),
    ] = None,
    folds: Annotated[
        int, typer.Option("--folds", help="Number of cross-validation folds of held-out blocks.", min=2)
    ] = 8,
    gnss_unit: Annotated[
        LengthUnit | None,
        typer.Option(
            "--gnss-unit", help="Unit of the GNSS table; by default that of its header, or m where possible."
        ),
    ] = None,
    insar_unit: Annotated[
        LengthUnit | None,
        typer.Option(
            "--insar-unit",
            help="Unit of the InSAR tables; by default that of their header, or m where possible.",
        ),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", help="Number of posterior samples.", min=20)] = 200,
    seed: Seed = 0,
    options: OptionsFile = None,
) -> None:
    """Invert GNSS and InSAR displacements for fault slip.

    The verdict compares predictions with held-out data.

    Example: selfseis slip --fault fault.geojson --gnss gnss.csv --insar insar.csv --out out
    """

    def job() -> JobResult:
        from selfseis.slip import SlipInversion
        from selfseis.slip.options import SlipOptions
        from selfseis.slip.priors import PRIORS
        from selfseis.workflow.slip import invert_slip

        inversion = SlipInversion(
            priors=tuple(prior or PRIORS), n_folds=folds, n_samples=samples, patch_km=patch_km,
            near_fault_km=near_fault_km, rigidity_gpa=rigidity_gpa, check_sign=check_sign, seed=seed,
            noise_model=noise.value, max_patches=max_patches,
            gnss_unit=None if gnss_unit is None else gnss_unit.value,
            insar_unit=None if insar_unit is None else insar_unit.value,
            options=read_options(options, SlipOptions),
        )  # fmt: skip
        scenes = [*(insar or []), *(more or [])]
        return invert_slip(
            gnss, scenes, fault, out, inversion, command_line=command_line(), console=console_of()
        )

    conclude(guarded(job))
