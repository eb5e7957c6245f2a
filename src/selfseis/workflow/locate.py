"""Picking, association and location of a station network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from selfseis.catalogue.records import PHASES, Event, Phase, in_time
from selfseis.errors import InputError
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.locate import locate_events
from selfseis.pick.picker import Picker
from selfseis.recording import station_table
from selfseis.validation import Verdict
from selfseis.workflow.options import RunOptions
from selfseis.workflow.pick import calibrate_picker, train_picker, write_picked
from selfseis.workflow.results import Results

WITHOUT_PICKS = "detected on the waveforms of several stations, but with too few picks"


def pick_and_locate(
    results: Results,
    recording: xr.DataArray,
    detected: list[Event],
    picker: Picker,
    options: RunOptions = RunOptions(),
    *,
    velocity: VelocityModel1D | None = None,
) -> tuple[list[Verdict], list[Event]]:
    """Train or calibrate a picker on a network, pick it, and build a catalogue from picks and detections.

    Events use picks of other probabilities than the operating point of the picker allows for a single pick.
    ``picks.csv`` holds the picks at the operating point and the picks of events.

    Parameters
    ----------
    results : Results
        Folder in which the picks, the catalogue and the model (``picker``) are written.
    recording : xarray.DataArray
        Stations.
    detected : list of Event
        Events that were detected without picks; those that overlap with no event of picks are kept.
    picker : Picker
        A picker that is not yet fitted. With a training fraction of 0 it takes the starting network.
    options : RunOptions
        Minimum probability of the picks of events, and the options of their location.
    velocity : VelocityModel1D, optional
        Velocity model of the user; by default one is estimated.

    Returns
    -------
    verdicts : list of Verdict
        The verdict on picking; empty if no picker could be trained, with a note in the results.
    events : list of Event
        The catalogue, in the order of time.
    """
    try:
        if picker.training_fraction > 0:
            with results.stage("train picker"):
                train_picker(recording, results.folder / "picker", picker, console=results.console)
        else:
            with results.stage("calibrate picker"):
                calibrate_picker(recording, results.folder / "picker", picker)
    except InputError as error:
        results.notes.append(f"No picker could be prepared: {error}")
        return [], detected
    with results.stage("pick", "picking") as progress:
        wanted = {phase: _min_probability(picker, phase) for phase in PHASES}
        lowest = min(options.min_event_pick_probability, *wanted.values())
        picks = picker.pick(recording, min_probability=lowest, progress=progress)
        confident = [pick for pick in picks if pick.probability >= wanted[pick.phase]]
        probable = [pick for pick in picks if pick.probability >= options.min_event_pick_probability]
    with results.stage("associate and locate"):
        stations = station_table(recording)
        catalogue = locate_events(
            probable, stations, velocity, recording=recording, seed=picker.seed, options=options.locate
        )
        associated = {pick for event in catalogue.events for pick in event.picks}
        catalogue.events = _merge(catalogue.events, detected)
        catalogue.write(results.folder)
    write_picked(results, recording, picker, in_time(associated | set(confident)))
    results.notes += catalogue.notes
    return [picker.verdict_], list(catalogue.events)


def _min_probability(picker: Picker, phase: Phase) -> float:
    """Return the probability of a pick at the threshold; above 1 where no height reaches the asked rate."""
    height = picker.threshold_[phase]
    return float(picker.calibration_.probability_of(phase, height)) if np.isfinite(height) else 2.0


def _merge(of_picks: list[Event], detected: list[Event]) -> list[Event]:
    """Add the detected events that overlap with no event of picks."""
    alone = [
        event
        for event in detected
        if not any(event.start <= other.end and event.end >= other.start for other in of_picks)
    ]
    without_picks = [replace(event, reason=WITHOUT_PICKS) for event in alone]
    return sorted([*of_picks, *without_picks], key=lambda event: event.start)


def read_velocity(path: Path | None) -> VelocityModel1D | None:
    """Read the velocity model of the user; return None without a path."""
    return None if path is None else VelocityModel1D.from_file(path)
