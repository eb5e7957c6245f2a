"""Job of calibrating a picker: thresholds and probabilities measured on a recording, without training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from rich.console import Console

from selfseis.catalogue.records import PHASES, Phase
from selfseis.errors import InputError
from selfseis.io.atomic import write_json
from selfseis.models.store import check_model_folder
from selfseis.pick.picker import Picker
from selfseis.recording.components import stations_of
from selfseis.workflow.pick import present_share
from selfseis.workflow.results import JobResult, Results

if TYPE_CHECKING:
    from torch import nn

RATES = (0.05, 0.1, 0.2, 0.3, 0.5)
HEIGHTS = (0.1, 0.3, 0.5, 0.7, 0.9)
MANY_DECOYS = 0.5  # share of decoys among picks, above which events in reversed time are the likely reason


@dataclass(frozen=True, kw_only=True)
class CalibrateResult(JobResult):
    """Result of calibrating a picker.

    Attributes
    ----------
    thresholds : dict of str to float
        Minimum height of a pick of each phase; infinite where no height reaches the operating point.
    """

    thresholds: Mapping[Phase, float]


def calibrate(
    recording: xr.DataArray,
    out: Path,
    picker: Picker | None = None,
    *,
    net: nn.Module | None = None,
    min_probability: float | None = None,
    title: str = "",
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> CalibrateResult:
    """Calibrate a picker on a recording, and write ``calibration.json`` and the calibrated model.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        Folder of the results; the model is in ``out/model`` if its network can be saved.
    picker : Picker, optional
        A picker; one that is not fitted takes the starting network.
    net : nn.Module, optional
        Another network to calibrate instead.
    min_probability : float, optional
        Minimum probability of a pick, instead of the operating point of the picker.
    title : str
        Title of the recording.
    command_line : list of str, optional
        Command line of the user.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    CalibrateResult
    """
    if min_probability is not None and not 0 <= min_probability <= 1:
        raise InputError(f"min_probability must lie between 0 and 1, got {min_probability:g}")
    picker = picker or Picker()
    check_model_folder(out / "model")
    results = Results(out, "calibrate", picker.plain_params(), command_line or [], title, console=console)
    with results.stage("calibrate", "calibrating"):
        picker.calibrate(recording, net=net)
    thresholds = thresholds_of(picker, min_probability)
    saved = _save(picker, out / "model")
    content = content_of(picker, thresholds, min_probability, nulls_of(picker, recording))
    write_json(out / "calibration.json", content | {"model": "model" if not saved else None})
    results.notes += [saved] if saved else []
    failed = results.write_run(recording, [picker.verdict_], present_share(recording))
    return CalibrateResult(
        report=out / "calibration.json",
        verdicts=[picker.verdict_],
        summary=summary_of(picker, thresholds),
        failed_units=failed,
        warnings=[saved] if saved else [],
        table=lines_of(content),
        thresholds=thresholds,
    )


def _save(picker: Picker, model: Path) -> str:
    """Save a calibrated picker; return why not, if its network cannot be saved."""
    try:
        picker.save(model)
    except InputError as error:
        return str(error)
    return ""


def thresholds_of(picker: Picker, min_probability: float | None = None) -> dict[Phase, float]:
    """Return the minimum height of a pick of each phase.

    Parameters
    ----------
    picker : Picker
        Fitted.
    min_probability : float, optional
        Minimum probability of a pick, instead of the operating point of the picker.
    """
    if min_probability is None:
        return dict(picker.threshold_)
    return {phase: picker.calibration_.height_of(phase, min_probability) for phase in PHASES}


def asked_of(picker: Picker, min_probability: float | None = None) -> str:
    """Return the operating point in words."""
    if min_probability is not None:
        return f"probability of at least {min_probability:g}"
    point = picker.operating_point
    if point.false_alarms_per_day is not None:
        return f"{point.false_alarms_per_day:g} false alarms per station and day"
    return f"false-discovery rate of {point.false_discovery_rate:g}"


def arguments_of(thresholds: Mapping[Phase, float]) -> str:
    """Return thresholds as the arguments of SeisBench's ``classify``."""
    known = [
        f"{phase}_threshold={thresholds[phase]:.3f}" for phase in PHASES if np.isfinite(thresholds[phase])
    ]
    return ", ".join(known) or "none: no height reaches the operating point"


def content_of(
    picker: Picker, thresholds: Mapping[Phase, float], min_probability: float | None, nulls: list[str]
) -> dict[str, Any]:
    """Return the content of ``calibration.json``."""
    return {
        "operating_point": asked_of(picker, min_probability),
        "thresholds": {phase: thresholds[phase] for phase in PHASES},
        "arguments": arguments_of(thresholds),
        "station_days": picker.false_discovery_.days,
        "phases": {phase: _of_phase(picker, phase, thresholds[phase]) for phase in PHASES},
        "nulls": nulls,
        "verdict": picker.verdict_.to_dict(),
    }


def _of_phase(picker: Picker, phase: Phase, threshold: float) -> dict[str, Any]:
    """Return the tables of a phase: thresholds by false-discovery rate, and numbers by height."""
    known = picker.false_discovery_.phases[phase]
    heights = sorted({*HEIGHTS, *([round(threshold, 4)] if np.isfinite(threshold) else [])})
    return {
        "threshold_by_false_discovery_rate": {f"{rate:g}": known.threshold(rate) for rate in RATES},
        "by_height": [_at_height(picker, phase, height) for height in heights],
    }


def _at_height(picker: Picker, phase: Phase, height: float) -> dict[str, Any]:
    known = picker.false_discovery_.phases[phase]
    n_picks = int((known.targets >= height).sum())
    return {
        "height": height,
        "n_picks": n_picks,
        "n_reversed": int((known.decoys >= height).sum()),
        "false_discovery_rate": float(known.false_discovery_rate(height)) if n_picks else None,
        "local_false_discovery_rate": 1 - float(picker.calibration_.probability_of(phase, height)),
    }


def nulls_of(picker: Picker, recording: xr.DataArray) -> list[str]:
    """Return which null holds on a recording, and where it does not, in words."""
    known, words = picker.false_discovery_, []
    counts = {phase: (len(known.phases[phase].targets), len(known.phases[phase].decoys)) for phase in PHASES}
    shown = "; ".join(f"{n_picks} {phase} forwards, {n} reversed" for phase, (n_picks, n) in counts.items())
    words.append(
        f"Reversed time: {shown}, at any height. It holds for any recording without pulses that have a direction of "
        "time, such as footsteps. Reversed earthquakes and edges of records count as false picks: where events are "
        "frequent, the true share of false picks is smaller."
    )
    limit = known.phases["P"].options.min_counted / max(known.days, 1e-9)
    words.append(
        f"False alarms per day: {known.days:.2g} station-days were picked in reversed time, so that rates below "
        f"{limit:.2g} per day are extrapolated. A rate per day suits long quiet records, not recordings full of events."
    )
    n_sites = len({station.site for station in stations_of(recording)})
    words.append(
        f"Stations shifted against each other: the null of the verdict, with {n_sites} stations."
        if n_sites > 1
        else "Stations shifted against each other: not available, because there is a single station."
    )
    return words


def summary_of(picker: Picker, thresholds: Mapping[Phase, float]) -> str:
    """Return the thresholds in words."""
    return f"classify arguments: {arguments_of(thresholds)}"


def lines_of(content: Mapping[str, Any]) -> list[str]:
    """Return the tables as lines for a terminal."""
    lines = [f"operating point: {content['operating_point']}"]
    for phase in PHASES:
        lines += [f"{phase}  height  picks  reversed  false above  false at"]
        for row in content["phases"][phase]["by_height"]:
            lines.append(_line_of(row, row["height"] == round(content["thresholds"][phase], 4)))
    return [*lines, *content["nulls"]]


def _line_of(row: Mapping[str, Any], is_threshold: bool) -> str:
    rates = (row["false_discovery_rate"], row["local_false_discovery_rate"])
    above, at = ("-" if value is None else f"{value:.2f}" for value in rates)
    counts = f"{row['n_picks']:6d}  {row['n_reversed']:8d}"
    return f"   {row['height']:.3f}  {counts}  {above:>11}  {at:>8}{'  threshold' * is_threshold}"
