"""Jobs of picking: training a picker, picking a recording, and writing the files of the page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from rich.console import Console

from selfseis.catalogue.records import PHASES, Pick
from selfseis.catalogue.tables import write_picks
from selfseis.consensus.agreement import Consensus, time_with_data
from selfseis.consensus.wadati import wadati_line
from selfseis.io.atomic import remove, write_json
from selfseis.models.store import check_model_folder
from selfseis.networks.picking_unet import OnsetNet
from selfseis.pick.calibration import max_false_alarms
from selfseis.pick.moveout_support import is_long_fibre
from selfseis.pick.picker import Picker
from selfseis.recording.components import training_part
from selfseis.recording.coverage import stretches
from selfseis.report import write_report
from selfseis.workflow.picked_recording import PickedRecording
from selfseis.workflow.results import JobResult, Results, checkpoint_beside, is_fitted, progress_bar
from selfseis.workflow.snippets import write_pick_snippets

if TYPE_CHECKING:
    from torch import nn

NULL_SHARE = 0.05  # share of false events among those in the Wadati diagram
MAX_COUPLES = 2000  # dots of the diagram
STARTED = (
    "The starting network picked, which was trained on generated noise and simulated onsets alone. Its thresholds and "
    "probabilities were measured on this recording. Training on the recording may find more: `selfseis train picker`."
)
FOREIGN = "The network {} picked. Its thresholds and probabilities were measured on this recording. {}"
ALONG_FIBRE = (
    "The picker was trained and evaluated on {} of the {} channels of the fibre. Picks of all channels are kept if "
    "neighbouring channels share a moveout; their probability is the share that channels shifted against each other "
    "do not explain."
)


@dataclass(frozen=True, kw_only=True)
class PickResult(JobResult):
    """Result of picking.

    Attributes
    ----------
    picks : list of Pick
        In the order of time.
    """

    picks: list[Pick]


def train_picker(
    recording: xr.DataArray,
    model: Path,
    picker: Picker | None = None,
    *,
    console: Console | None = None,
) -> Picker:
    """Train a picker on a recording and save it; an interrupted job resumes.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    model : Path
        Folder of the model.
    picker : Picker, optional
        A picker that is not yet fitted.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    Picker
        Fitted.
    """
    check_model_folder(model)
    picker = picker or Picker()
    checkpoint = checkpoint_beside(model)
    with progress_bar("training the picker", console) as progress:
        picker.fit(
            recording, checkpoint=checkpoint, progress=lambda stage: progress(stage.step, stage.max_steps)
        )
    picker.save(model)
    remove(checkpoint)
    return picker


def pick(
    recording: xr.DataArray,
    out: Path,
    picker: Picker | None = None,
    *,
    train: bool = False,
    net: nn.Module | None = None,
    min_probability: float | None = None,
    title: str = "",
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> PickResult:
    """Pick a recording and write the picks, the verdict and the page.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        Folder of the results.
    picker : Picker, optional
        A fitted picker, which is calibrated on the recording if it has not seen it. A picker that is not fitted takes
        the starting network; it is saved in ``out/model``.
    train : bool
        Whether a picker that is not fitted is trained on the recording first.
    net : torch.nn.Module, optional
        Another network that is calibrated instead of the starting network; it is not saved.
    min_probability : float, optional
        Minimum probability of a pick, instead of the operating point of the picker.
    title : str
        Title of the recording on the page.
    command_line : list of str, optional
        Command line of the user.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    PickResult
    """
    picker = picker or Picker()
    results = Results(out, "pick", picker.plain_params(), command_line or [], title, console=console)
    is_new = not is_fitted(picker)
    if is_new and net is not None:
        with results.stage("calibrate"):
            picker.calibrate(recording, net=net)
    elif is_new and train:
        with results.stage("train"):
            train_picker(recording, out / "model", picker, console=console)
    elif is_new:
        with results.stage("calibrate"):
            calibrate_picker(recording, out / "model", picker)
    is_own = is_new or bool(picker.training_record_.times_in(recording))
    if not is_own:
        with results.stage("calibrate"):
            picker.calibrate(recording)
    picks = pick_into(results, recording, picker, min_probability)
    with results.stage("evaluate"):
        verdict = picker.evaluate(recording) if is_own and not is_new else picker.verdict_
    failed = results.write_run(recording, [verdict], present_share(recording))
    return PickResult(
        report=write_report(results.folder),
        verdicts=[verdict],
        summary=" and ".join(f"{sum(pick.phase == phase for pick in picks)} {phase}" for phase in PHASES),
        failed_units=failed,
        picks=picks,
    )


def calibrate_picker(recording: xr.DataArray, model: Path, picker: Picker | None = None) -> Picker:
    """Calibrate a picker on a recording and save it; one that is not fitted takes the starting network.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    model : Path
        Folder of the model.
    picker : Picker, optional
        The picker.

    Returns
    -------
    Picker
        Fitted.
    """
    check_model_folder(model)
    picker = (picker or Picker()).calibrate(recording)
    picker.save(model)
    return picker


def pick_into(
    results: Results, recording: xr.DataArray, picker: Picker, min_probability: float | None = None
) -> list[Pick]:
    """Pick a recording and write picks, their summary and a sample of waveforms into a folder of results.

    Parameters
    ----------
    results : Results
        The folder.
    recording : xarray.DataArray
        The recording.
    picker : Picker
        Fitted.
    min_probability : float, optional
        Minimum probability of a pick, instead of the operating point of the picker.

    Returns
    -------
    list of Pick
        In the order of time.
    """
    with results.stage("pick", "picking") as progress:
        picks = picker.pick(recording, min_probability=min_probability, progress=progress)
    write_picked(results, recording, picker, picks)
    return picks


def write_picked(results: Results, recording: xr.DataArray, picker: Picker, picks: list[Pick]) -> None:
    """Write picks, their summary and a sample of waveforms into a folder of results.

    Parameters
    ----------
    results : Results
        The folder.
    recording : xarray.DataArray
        The recording.
    picker : Picker
        Fitted.
    picks : list of Pick
        In the order of time.
    """
    write_picks(picks, results.folder)
    if picker.adaptation_ is not None:
        results.notes.append(picker.adaptation_.statement)
    elif not isinstance(picker.net_, OnsetNet):
        name = getattr(picker.net_, "name", type(picker.net_).__name__)
        results.notes.append(FOREIGN.format(name, getattr(picker.net_, "note", "")).rstrip())
    elif not picker.rounds_:
        results.notes.append(STARTED)
    elif picker.training_fraction < 1:
        results.notes.append(
            f"The picker was trained with {picker.training_fraction:g} of the full training: it misses onsets that the "
            "full training finds."
        )
    with results.stage("pictures"):
        options = picker.options
        picked = PickedRecording(recording, picks, options)
        trained = PickedRecording(training_part(recording, options.split.max_fibre_channels), picks, options)
        consensus = trained.consensus(picker.paired_s_minus_p)
        summary = summary_of(picker, trained, consensus)
        if is_long_fibre(recording, options.moveout):
            # Thresholds do not apply here, and along a short fibre time differences are mostly pick errors.
            summary |= {"thresholds": {}, "reliability": {}, "wadati": {}}
            results.notes.append(ALONG_FIBRE.format(len(trained.stations), len(picked.stations)))
        write_json(results.folder / "picks_summary.json", summary)
        write_pick_snippets(results.folder / "pick_snippets", picked, consensus, band=picker.band)


def summary_of(picker: Picker, picked: PickedRecording, consensus: Consensus) -> dict[str, Any]:
    """Return the summary of picks for the page; `selfseis.report.pick` describes each entry."""
    return {
        "false_alarms_per_day": picker.false_alarms_per_day,
        "false_discovery_rate": picker.false_discovery_rate,
        "thresholds": {
            phase: {
                "height": _finite(picker.threshold_[phase]),
                "probability": float(picker.calibration_.probability_of(phase, picker.threshold_[phase])),
            }
            for phase in PHASES
        },
        "thresholds_extrapolated": picker.threshold_is_extrapolated_,
        "reliability": {
            phase: [asdict(bin_) for bin_ in bins] for phase, bins in picker.reliability_.items()
        },
        "rounds": [round_.to_dict() for round_ in picker.rounds_],
    } | consensus_summary(picked, consensus)


def consensus_summary(picked: PickedRecording, consensus: Consensus) -> dict[str, Any]:
    """Return what other stations tell of picks, for the page."""
    line = wadati_line(consensus.kept(NULL_SHARE))
    some = slice(None, None, max(1, -(-len(line.dp) // MAX_COUPLES)))
    return {
        "agreement": {
            "statement": str(consensus),
            "n_stations": consensus.n_stations,
            "n_events": len(consensus.events),
            "confirmations": consensus.confirmations,
            "under_null": consensus.null_confirmations,
            "null_sd": consensus.null_sd,
        },
        "wadati": {
            "dp_s": np.round(line.dp[some], 4).tolist(),
            "ds_s": np.round(line.ds[some], 4).tolist(),
            "vp_vs": _finite(line.vp_vs),
            "sd_s": _finite(line.sd_s),
        },
        "max_false_per_day": _max_false(picked),
    }


def present_share(recording: xr.DataArray) -> float:
    """Return the share of the time span of a recording with data."""
    covered = sum(last - first for first, last in stretches(recording))
    return covered / max(recording.sizes["time"], 1)


def _max_false(picked: PickedRecording) -> dict[str, dict[str, float]]:
    """Bound the false alarms of each station by its picks that no other station confirms."""
    if len(picked.stations) < 2:
        return {}
    limit = picked.moveout.travel_limit
    spans = picked.spans
    duration = float(np.diff(spans, axis=1).sum())
    bounds: dict[str, dict[str, float]] = {}
    for phase in PHASES:
        within = limit * (picked.options.consensus.vp_vs if phase == "S" else 1.0)
        times = [time_with_data(onsets[:, 0], spans) for onsets in picked.onsets(phase)]
        found = max_false_alarms(times, within, duration)
        bounds[phase] = {
            station.code: round(bound, 2)
            for station, bound in zip(picked.stations, found, strict=True)
            if np.isfinite(bound)
        }
    return bounds


def _finite(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None
