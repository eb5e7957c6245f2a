"""Picking a fibre as a job: few channels are learnt from, all are picked, and the page shows them on the waves."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from selfseis.pick.moveout_support import moveout_of
from selfseis.pick.picker import Picker
from selfseis.recording import recording_from_array
from selfseis.recording.components import stations_of, training_part
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events
from selfseis.simulate.events import SimulatedEvent
from selfseis.workflow.pick import pick
from short_options import SHORT_PICKER
from standing_in import picker_standing_in

RATE = 100.0


@pytest.fixture(scope="module")
def fibre() -> tuple[xr.DataArray, list[SimulatedEvent]]:
    noise = simulate_noise_recording("white", "fibre", 1 / 20, RATE, 80, seed=2, channel_spacing=20.0)
    recording, truth = simulate_recording_with_events(noise, 8.0, 3, seed=5)
    return recording.load(), truth


@pytest.fixture(scope="module")
def picker() -> Picker:
    return picker_standing_in(RATE)


def test_picks_lie_on_the_moveout_of_simulated_events(
    picker: Picker, fibre: tuple[xr.DataArray, list[SimulatedEvent]]
) -> None:
    recording, truth = fibre
    picks = picker.pick(recording)
    start = recording["time"].values[0]
    distance = recording["distance"].values
    # An S is a rise of energy as well: the stand-in cannot tell them apart.
    arrivals = np.stack([event.arrivals[phase] for event in truth for phase in ("P", "S")])
    off = []
    for found in picks:
        channel = int(np.abs(distance - float(found.seed_id.removesuffix("m"))).argmin())
        time = (found.time - start) / np.timedelta64(1, "s")
        off.append(np.abs(arrivals[:, channel] - time).min())
    assert len(picks) > 2 * len(distance)
    assert np.mean(np.array(off) < 0.6) > 0.95  # the stand-in is no better than its windows of 0.6 s


def test_moveouts_of_a_fibre_follow_the_distance_along_it(
    fibre: tuple[xr.DataArray, list[SimulatedEvent]],
) -> None:
    part = training_part(fibre[0])
    limit = moveout_of(part, stations_of(part)).travel_limit
    along = np.abs(np.subtract.outer(part["distance"].values, part["distance"].values))
    np.testing.assert_allclose(limit, along / 500.0 + 0.5)


def test_few_channels_are_learnt_from_and_all_are_picked(
    fibre: tuple[xr.DataArray, list[SimulatedEvent]],
) -> None:
    trained = Picker(rounds=1, seed=1, options=SHORT_PICKER).fit(fibre[0])
    assert training_part(fibre[0]).sizes["channel"] == 24
    assert len(trained.training_sites_) == 18  # a fourth of the channels is held out
    assert {found.seed_id for found in trained.pick(fibre[0])} <= {f"{20 * n}m" for n in range(80)}


def test_the_page_shows_picks_on_the_waves(
    picker: Picker, fibre: tuple[xr.DataArray, list[SimulatedEvent]], tmp_path: Path
) -> None:
    picker.training_fraction = 0.1
    outcome = pick(fibre[0], tmp_path, picker)
    page = outcome.report.read_text()
    payload = json.loads(re.search(r'id="pick-snippet-0">(.*?)</script>', page).group(1))  # type: ignore[union-attr]
    assert payload["kind"] == "waterfall" and len(payload["picks"]) > 40
    assert (
        "trained and evaluated on 24 of the 80 channels of the fibre" in page
        and "80 channels, picks along" in page
    )
    summary = json.loads((tmp_path / "picks_summary.json").read_text())
    assert summary["wadati"] == summary["reliability"] == {}


def test_a_fibre_without_waves_has_no_picks(picker: Picker) -> None:
    noise = simulate_noise_recording("white", "fibre", 1 / 40, RATE, 40, seed=4, channel_spacing=20.0)
    assert len(picker.pick(noise.load(), false_alarms_per_day=1.0)) <= 2


def test_a_dead_stretch_of_fibre_has_no_picks_and_harms_no_other(
    picker: Picker, fibre: tuple[xr.DataArray, list[SimulatedEvent]]
) -> None:
    recording, _ = fibre
    data = recording.values.copy()
    data[30:40] = 0
    damaged = recording_from_array(
        data, RATE, distance=recording["distance"].values, gauge_length=recording.attrs["gauge_length"]
    )
    picked = {found.seed_id for found in picker.pick(damaged)}
    assert not picked & {f"{20 * n}m" for n in range(30, 40)}
    assert len(picked) > 60
