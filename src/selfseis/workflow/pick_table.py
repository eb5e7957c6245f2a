"""Job of a table of picks: its scores are calibrated and judged on a recording, as a picker's are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich.console import Console

from selfseis.catalogue.records import PHASES, Pick, in_time
from selfseis.catalogue.tables import write_picks
from selfseis.io.atomic import write_json
from selfseis.pick.baselines import AicDetector
from selfseis.pick.confirmation import ConfirmedScores, confirmed_scores
from selfseis.pick.evaluate import evaluate_picker
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.moveout_support import moveout_of
from selfseis.pick.onset_priors import paired_s_minus_p
from selfseis.pick.pick_table import PlacedPicks, place_picks, read_pick_table
from selfseis.pick.picker import ONE_STATION, Picker
from selfseis.pick.time_split import test_times, window_of
from selfseis.recording import sampling_rate
from selfseis.recording.components import channel_name, stations_of
from selfseis.recording.coverage import stretches
from selfseis.report import write_report
from selfseis.typing import BoolArray, FloatArray
from selfseis.validation import Verdict
from selfseis.workflow.pick import PickResult, consensus_summary, present_share
from selfseis.workflow.picked_recording import PickedRecording
from selfseis.workflow.results import Results
from selfseis.workflow.snippets import write_pick_snippets

CONFIRMED = (
    "The picks come from the table {}. A table has no picks in reversed time: its probability is the share of picks of "
    "about that score that another station confirms beyond coincidence. It is a lower bound, because small events "
    "reach one station only."
)
SCORES = (
    "The picks come from the table {}. With one station nothing confirms them: the column probability holds the scores "
    "of the table, which are not probabilities, and no share of false picks is known. --min-probability is the "
    "lowest score."
)
ASSUMED_SD = "{} picks of the table state no uncertainty of their time: {:g} s was assumed."
LEFT_OUT = "{} rows of the table were left out: {}."


def pick_table(
    recording: xr.DataArray,
    out: Path,
    table: Path,
    picker: Picker | None = None,
    *,
    min_probability: float | None = None,
    title: str = "",
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> PickResult:
    """Calibrate and judge a table of picks on a recording, and write the picks, the verdict and the page.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording that was picked.
    out : Path
        Folder of the results.
    table : Path
        Table of picks with scores, CSV or Parquet; `read_pick_table` describes it.
    picker : Picker, optional
        A picker that is not fitted, whose operating point, S - P range and options are used.
    min_probability : float, optional
        Minimum probability of a pick (for one station: minimum score), instead of the operating point.
    title : str
        Title of the recording on the page.
    command_line : list of str, optional
        Command line of the user.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    PickResult

    Raises
    ------
    InputError
        If the table has no scores or no picks, or none of them lies in the recording.
    """
    picker = picker or Picker()
    results = Results(out, "pick", picker.plain_params(), command_line or [], title, console=console)
    stations = stations_of(recording)
    with results.stage("calibrate"):
        placed = place_picks(read_pick_table(table), recording, stations)
        probability, kept = _calibrated(placed, recording, picker, min_probability)
    results.notes += _notes(placed, table, sampling_rate(recording), picker)
    picks = _picks(placed, recording, probability, kept, picker)
    write_picks(picks, results.folder)
    with results.stage("evaluate"):
        verdict = _evaluated(placed, recording, picker)
    with results.stage("pictures"):
        picked = PickedRecording(recording, picks, picker.options)
        consensus = picked.consensus(_pairs(picker, recording))
        write_json(results.folder / "picks_summary.json", consensus_summary(picked, consensus))
        write_pick_snippets(results.folder / "pick_snippets", picked, consensus, band=picker.band)
    failed = results.write_run(recording, [verdict], present_share(recording))
    return PickResult(
        report=write_report(results.folder),
        verdicts=[verdict],
        summary=" and ".join(f"{sum(pick.phase == phase for pick in picks)} {phase}" for phase in PHASES),
        failed_units=failed,
        picks=picks,
    )


def _is_one_site(placed: PlacedPicks) -> bool:
    return len({station.site for station in placed.stations}) < 2


def _calibrated(
    placed: PlacedPicks, recording: xr.DataArray, picker: Picker, min_probability: float | None
) -> tuple[FloatArray, BoolArray]:
    """Return the probability of each pick, and whether it is kept."""
    score, phases = placed.table.score, placed.table.phase
    if _is_one_site(placed):
        return score, score >= (min_probability or 0.0)
    rate, options = sampling_rate(recording), picker.options
    spans = np.array(stretches(recording), float).reshape(-1, 2) / rate
    moveout = moveout_of(recording, placed.stations, options)
    known = confirmed_scores(placed.candidates(), rate, spans, moveout, picker.seed, options.calibration)
    probability, kept = np.zeros(len(score)), np.zeros(len(score), bool)
    for phase in PHASES:
        of_phase = phases == phase
        probability[of_phase] = known[phase].probability_of(score[of_phase])
        kept[of_phase] = _kept(known[phase], score[of_phase], picker, min_probability)
    return probability, kept


def _kept(
    known: ConfirmedScores, score: FloatArray, picker: Picker, min_probability: float | None
) -> BoolArray:
    if min_probability is not None:
        return known.probability_of(score) >= min_probability
    return score >= known.threshold(picker.operating_point, picker.options.calibration)


def _picks(
    placed: PlacedPicks, recording: xr.DataArray, probability: FloatArray, kept: BoolArray, picker: Picker
) -> list[Pick]:
    table, sd = placed.table, _assumed_sd(picker, sampling_rate(recording))
    return in_time(
        Pick(
            channel_name(recording, placed.stations[placed.number[row]].row_of(table.phase[row])),
            table.phase[row],
            table.time[row],
            float(probability[row]),
            float(table.sd_s[row]) if np.isfinite(table.sd_s[row]) else sd,
        )
        for row in np.flatnonzero(kept)
    )


def _assumed_sd(picker: Picker, rate: float) -> float:
    """Return the standard deviation in s of a pick of unknown uncertainty: that of the picker's labels."""
    return picker.options.examples.label_sd / rate


def _notes(placed: PlacedPicks, table: Path, rate: float, picker: Picker) -> list[str]:
    notes = [(SCORES if _is_one_site(placed) else CONFIRMED).format(table.name)]
    if placed.left_out:
        reasons = ", ".join(f"{count} {reason}" for reason, count in placed.left_out.items())
        notes.append(LEFT_OUT.format(sum(placed.left_out.values()), reasons))
    if n_without := int(np.sum(~np.isfinite(placed.table.sd_s))):
        notes.append(ASSUMED_SD.format(n_without, _assumed_sd(picker, rate)))
    return notes


def _evaluated(placed: PlacedPicks, recording: xr.DataArray, picker: Picker) -> Verdict:
    """Judge the picks by other stations, against STA/LTA and the null."""
    options, rate = picker.options, sampling_rate(recording)
    details: dict[str, Any] = {"rows_left_out": placed.left_out}
    if _is_one_site(placed):
        return Verdict.undecided("pick", f"{ONE_STATION}.", details=details)
    spans, _ = test_times(recording, window_of(recording, options.split), [], options.split)
    high_pass = CausalHighPass.measure(recording, picker.band, options.filter)
    candidates = {
        "the table of picks": placed.candidates(),
        "STA/LTA with AIC": AicDetector(high_pass, options.trigger).find(recording, placed.stations),
    }
    moveout = moveout_of(recording, placed.stations, options)
    return evaluate_picker(candidates, rate, _pairs(picker, recording), moveout, spans, details, (), options)


def _pairs(picker: Picker, recording: xr.DataArray) -> tuple[float, float]:
    """Return the minimum and maximum S - P in s of a pair."""
    prior = picker.options.examples.prior
    return paired_s_minus_p(sampling_rate(recording), picker.s_minus_p, prior)
