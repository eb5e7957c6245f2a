"""The jobs of picking: learn a picker, pick a recording, and write what the page shows of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich.console import Console

from selfseis.catalogue.records import PHASES, Pick
from selfseis.catalogue.tables import write_picks
from selfseis.consensus.agreement import Consensus, time_with_data
from selfseis.consensus.wadati import wadati_line
from selfseis.errors import InputError
from selfseis.io.atomic import remove, write_json
from selfseis.models.store import check_place
from selfseis.pick.calibration import max_false_alarms
from selfseis.pick.moveout_support import is_long_fibre
from selfseis.pick.picker import Picker, moveout_of
from selfseis.recording.components import training_part
from selfseis.recording.coverage import stretches
from selfseis.report import write_report
from selfseis.validation import Verdict
from selfseis.workflow.picked_recording import PickedRecording
from selfseis.workflow.progress import progress_bar
from selfseis.workflow.results import Results, checkpoint_beside
from selfseis.workflow.snippets import write_pick_snippets

NULL_SHARE = 0.05  # of chance among the events whose differences are drawn
MAX_COUPLES = 2000
SHARED_WITHIN = 1.73  # S times between stations differ by so much more than P times
ALONG_FIBRE = (
    "Learnt from {} of the fibre's {} channels, and judged on them. Picks of all channels are kept where neighbours "
    "agree with them on a moveout; their probability is the share that channels shifted against each other do not "
    "explain."
)


@dataclass(frozen=True)
class PickSettings:
    """What a picker is learnt with.

    Attributes
    ----------
    false_alarms_per_day : float
        False alarms of each phase that are accepted a day at each station.
    s_minus_p : tuple of float or None
        Shortest and longest S - P in s.
    band : tuple of float or None
        Pass band in Hz.
    rounds : int
        Most rounds of learning from what stations agree on.
    training_fraction : float
        Steps of training as a share of the full course.
    seed : int
        Seed of everything random.

    Raises
    ------
    InputError
        If the rate of false alarms is not a number above 0.
    """

    false_alarms_per_day: float = 1.0
    s_minus_p: tuple[float, float] | None = None
    band: tuple[float, float] | None = None
    rounds: int = 4
    training_fraction: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.false_alarms_per_day < float("inf"):
            raise InputError(
                f"{self.false_alarms_per_day:g} false alarms a day cannot be asked for: give a number above 0"
            )


@dataclass
class PickOutcome:
    """What picking found.

    Attributes
    ----------
    report : Path
        The page.
    verdict : Verdict
        On this recording.
    picks : list of Pick
        In the order of time.
    failed_units : list of str
        Files and channels that could not be used.
    """

    report: Path
    verdict: Verdict
    picks: list[Pick]
    failed_units: list[str]

    @property
    def counts(self) -> str:
        """Return the number of picks in words."""
        return " and ".join(f"{sum(pick.phase == phase for pick in self.picks)} {phase}" for phase in PHASES)


def train_picker(
    recording: xr.DataArray,
    model: Path,
    settings: PickSettings | None = None,
    *,
    console: Console | None = None,
) -> Picker:
    """Learn a picker from a recording and save it; an interrupted job goes on where it stopped.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    model : Path
        Folder of the model.
    settings : PickSettings, optional
        What to learn with.
    console : Console, optional
        Where progress is shown.

    Returns
    -------
    Picker
        Fitted.
    """
    check_place(model)
    settings = settings or PickSettings()
    checkpoint = checkpoint_beside(model)
    with progress_bar("learning to pick", console) as progress:
        picker = Picker(**asdict(settings)).fit(
            recording, checkpoint=checkpoint, progress=lambda stage: progress(stage.step, stage.max_steps)
        )
    picker.save(model)
    remove(checkpoint)
    return picker


def pick(
    recording: xr.DataArray,
    out: Path,
    picker: Picker | None = None,
    settings: PickSettings | None = None,
    *,
    title: str = "",
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> PickOutcome:
    """Pick a recording and write the picks, the verdict and the page.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        Folder of the results.
    picker : Picker, optional
        A fitted picker; by default one is learnt from the recording itself and kept in ``out/model``.
    settings : PickSettings, optional
        What to learn with.
    title : str
        What the recording is called on the page.
    command_line : list of str, optional
        What the user typed.
    console : Console, optional
        Where progress is shown.

    Returns
    -------
    PickOutcome
    """
    settings = settings or PickSettings()
    parameters = asdict(settings) if picker is None else picker.get_params()
    results = Results(out, "pick", parameters, command_line or [], title)
    learnt_here = picker is None
    if picker is None:
        with results.stage("learn"):
            picker = train_picker(recording, out / "model", settings, console=console)
    picks = pick_into(results, recording, picker, console=console)
    with results.stage("judge"):
        verdict = picker.verdict_ if learnt_here else picker.evaluate(recording)
    results.write_verdicts([verdict])
    failed = results.write_run(recording, present_share(recording))
    return PickOutcome(write_report(results.folder), verdict, picks, failed)


def check_keeps(picker: Picker | None, settings: PickSettings) -> None:
    """Refuse settings beside a picker, which has those that it was learnt with.

    Raises
    ------
    InputError
        If a setting is neither the usual one nor the picker's.
    """
    if picker is None:
        return
    trained, usual = picker.get_params(), asdict(PickSettings())
    for name, value in asdict(settings).items():
        if value not in (usual[name], trained[name]):
            raise InputError(
                f"the model was learnt with {name} = {trained[name]}, not {value}: leave the option out, or learn "
                "another model"
            )


def pick_into(
    results: Results, recording: xr.DataArray, picker: Picker, *, console: Console | None = None
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
    console : Console, optional
        Where progress is shown.

    Returns
    -------
    list of Pick
        In the order of time.
    """
    with results.stage("pick"), progress_bar("picking", console) as progress:
        picks = picker.pick(recording, progress=progress)
    show_picks(results, recording, picker, picks)
    return picks


def show_picks(results: Results, recording: xr.DataArray, picker: Picker, picks: list[Pick]) -> None:
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
    if picker.training_fraction < 1:
        results.notes.append(
            f"The picker was learnt with {picker.training_fraction:g} of the full course: a quick look, which misses onsets "
            "that a full one finds."
        )
    with results.stage("pictures"):
        picked = PickedRecording(recording, picks)
        trained = PickedRecording(training_part(recording), picks)
        consensus = trained.consensus(picker.paired_s_minus_p)
        summary = summary_of(picker, trained, consensus)
        if is_long_fibre(recording):
            # Heights decide nothing here, and along a short fibre differences of times are mostly errors of picks.
            summary |= {"thresholds": {}, "reliability": {}, "wadati": {}}
            results.notes.append(ALONG_FIBRE.format(len(trained.stations), len(picked.stations)))
        write_json(results.folder / "picks_summary.json", summary)
        write_pick_snippets(results.folder / "pick_snippets", picked, consensus, band=picker.band)


def summary_of(picker: Picker, picked: PickedRecording, consensus: Consensus) -> dict[str, Any]:
    """Return what the page shows beside the picks; `selfseis.report.picks` says what each entry means."""
    line = wadati_line(consensus.kept(NULL_SHARE))
    some = slice(None, None, max(1, -(-len(line.dp) // MAX_COUPLES)))
    return {
        "false_alarms_per_day": picker.false_alarms_per_day,
        "thresholds": {
            phase: {
                "height": picker.threshold_[phase],
                "probability": float(picker.calibration_.probability_of(phase, picker.threshold_[phase])),
            }
            for phase in PHASES
        },
        "thresholds_extrapolated": picker.threshold_is_extrapolated_,
        "reliability": {
            phase: [asdict(bin_) for bin_ in bins] for phase, bins in picker.reliability_.items()
        },
        "agreement": {
            "statement": str(consensus),
            "n_stations": consensus.n_stations,
            "n_events": len(consensus.events),
            "confirmations": consensus.confirmations,
            "under_null": consensus.null_confirmations,
            "by_chance_sd": consensus.null_sd,
        },
        "wadati": {
            "dp_s": np.round(line.dp[some], 4).tolist(),
            "ds_s": np.round(line.ds[some], 4).tolist(),
            "vp_vs": _finite(line.vp_vs),
            "sd_s": _finite(line.sd_s),
        },
        "most_false_per_day": _max_false(picked),
        "rounds": [round_.to_dict() for round_ in picker.rounds_],
    }


def present_share(recording: xr.DataArray) -> float:
    """Return the share of a recording's time that may hold data."""
    covered = sum(last - first for first, last in stretches(recording))
    return covered / max(recording.sizes["time"], 1)


def _max_false(picked: PickedRecording) -> dict[str, dict[str, float]]:
    """Bound the false alarms of each station by what no other station shares."""
    if len(picked.stations) < 2:
        return {}
    limit = moveout_of(picked.recording, picked.stations).travel_limit
    spans = picked.spans
    duration = float(np.diff(spans, axis=1).sum())
    bounds: dict[str, dict[str, float]] = {}
    for phase in PHASES:
        within = limit * (SHARED_WITHIN if phase == "S" else 1.0)
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
