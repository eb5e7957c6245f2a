"""The job of a station network beyond detection: learn to pick, pick, associate, locate."""

from __future__ import annotations

from pathlib import Path

import xarray as xr
from rich.console import Console

from selfseis.catalogue.records import Event, LocatedEvent, in_time
from selfseis.errors import InputError
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.geo.stations import StationTable
from selfseis.locate import make_catalogue
from selfseis.validation import Verdict
from selfseis.workflow.pick import PickSettings, show_picks, train_picker
from selfseis.workflow.progress import progress_bar
from selfseis.workflow.results import Results

# An event takes several picks, so that each may be less sure than one that stands alone.
ASSOCIATED_FROM = 0.4
WITHOUT_PICKS = "found on the waveforms of several stations, but not enough picks belong to it"


def pick_and_locate(
    results: Results,
    recording: xr.DataArray,
    detected: list[Event],
    settings: PickSettings,
    *,
    velocity: VelocityModel1D | None = None,
    console: Console | None = None,
) -> tuple[list[Verdict], list[Event]]:
    """Learn to pick a network, pick it, and make a catalogue of the picks and of what was detected.

    Events are made of less probable picks than the user's rate of false alarms allows for a pick alone; ``picks.csv``
    holds the picks at that rate and those that belong to an event.

    Parameters
    ----------
    results : Results
        Folder in which the picks, the catalogue and the model (``picker``) are written.
    recording : xarray.DataArray
        Stations.
    detected : list of Event
        Events that were detected without picks; those that no event of picks explains are kept.
    settings : PickSettings
        What to learn with.
    velocity : VelocityModel1D, optional
        The user's model; otherwise one is estimated.
    console : Console, optional
        Where progress is shown.

    Returns
    -------
    verdicts : list of Verdict
        One on picking; none where no picker could be learnt, with a note in the results.
    events : list of Event
        The catalogue, in the order of time.
    """
    try:
        with results.stage("learn to pick"):
            picker = train_picker(recording, results.folder / "picker", settings, console=console)
    except InputError as error:
        results.notes.append(f"No picker was learnt: {error}")
        return [], detected
    with results.stage("pick"), progress_bar("picking", console) as progress:
        sure = picker.pick(recording, progress=progress)
        probable = picker.pick(recording, min_probability=ASSOCIATED_FROM)
    with results.stage("associate and locate"):
        stations = StationTable.from_recording(recording)
        catalogue = make_catalogue(probable, stations, velocity, recording=recording, seed=settings.seed)
        associated = {pick for event in catalogue.events for pick in event.picks}
        catalogue.events = _together(catalogue.events, detected)
        catalogue.write(results.folder)
    show_picks(results, recording, picker, in_time(associated | set(sure)))
    results.notes += catalogue.notes
    return [picker.verdict_], list(catalogue.events)


def _together(of_picks: list[LocatedEvent], detected: list[Event]) -> list[LocatedEvent]:
    """Add detected events that overlap with none of picks."""
    alone = [
        event
        for event in detected
        if not any(event.start <= other.end and event.end >= other.start for other in of_picks)
    ]
    without_picks = [LocatedEvent(**vars(event), reason=WITHOUT_PICKS) for event in alone]
    return sorted([*of_picks, *without_picks], key=lambda event: event.start)


def read_velocity(path: Path | None) -> VelocityModel1D | None:
    """Read the user's velocity model; None where none is given."""
    return None if path is None else VelocityModel1D.from_file(path)
