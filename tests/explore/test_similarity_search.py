"""Similarity search from a time, a time at a station or an event file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from explore_truth import BURST, HUM, LENGTH, PULSE, RATE, KnownTruth

from selfseis import Explorer
from selfseis.errors import InputError
from selfseis.explore.similarity_search import Moment, moments_of, similar_windows, windows_at
from selfseis.io.obspy_import import obspy
from selfseis.recording import recording_from_array, sample_times, write_recording

SITE = "XX.ONE..HHZ"
START = "2020-01-01"


def moment_of(truth: KnownTruth, window: int) -> Moment:
    middle = sample_times(truth.recording(), window * LENGTH + LENGTH // 2)
    return Moment(int(middle.astype("datetime64[ns]").astype(np.int64)), SITE)


@pytest.mark.parametrize(("kind", "n_others"), [(HUM, 10), (BURST, 10), (PULSE, 2)])
def test_similar_windows_are_of_the_same_kind(
    kind: int, n_others: int, truth: KnownTruth, explorer: Explorer
) -> None:
    window = int(np.flatnonzero(truth.kind == kind)[0])
    queries = windows_at(truth.recording(), explorer.explored_, [moment_of(truth, window)])
    found = similar_windows(explorer.explored_, queries, n_others)
    place = explorer.explored_.table.first[found.rows] // LENGTH
    assert (truth.kind[place] == kind).mean() >= 0.8
    assert (np.diff(found.distance) >= 0).all() and not np.isin(found.rows, queries).any()


def test_results_of_several_queries_are_listed_once(explorer: Explorer) -> None:
    queries = np.array([3, 4, 50])
    found = similar_windows(explorer.explored_, queries, 20)
    assert len(found.rows) == 20 == len(set(found.rows.tolist()) - set(queries.tolist()))
    points = explorer.explored_.points
    distance = np.linalg.norm(points[found.rows][:, None] - points[queries][None], axis=2)
    np.testing.assert_allclose(found.distance, distance.min(axis=1), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found.query, queries[distance.argmin(axis=1)])


def test_a_moment_is_a_time_with_or_without_a_station() -> None:
    ns = np.datetime64("2010-09-01T03:33:10", "ns").astype(np.int64)
    assert moments_of("2010-09-01T03:33:10Z") == [Moment(ns)]
    assert moments_of("2010-09-01T05:33:10+02:00@CX.PB01") == [Moment(ns, "CX.PB01")]


@pytest.mark.parametrize("text", ["soon", "2010-13-01", "@CX.PB01", ""])
def test_invalid_queries_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="neither a time"):
        moments_of(text)


def test_picks_of_events_become_moments_at_their_stations(tmp_path: Path) -> None:
    time = obspy().UTCDateTime("2020-01-01T00:01:00")
    from obspy.core.event import Catalog, Event, Origin, Pick, WaveformStreamID

    pick = Pick(time=time, waveform_id=WaveformStreamID("XX", "ONE"))
    picked = Event(picks=[pick], origins=[Origin(time=time - 5)])
    Catalog([picked, Event(origins=[Origin(time=time + 60)]), Event()]).write(
        str(tmp_path / "events.xml"), "QUAKEML"
    )
    assert moments_of(str(tmp_path / "events.xml")) == [Moment(time.ns, "XX.ONE."), Moment((time + 60).ns)]


def test_a_file_without_events_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="holds no events"):
        moments_of(str(tmp_path / "notes.txt"))


def test_command_searches_across_stations(truth: KnownTruth, selfseis, tmp_path: Path) -> None:
    data = np.stack([truth.data, np.roll(truth.data, 7 * LENGTH)])
    recording = recording_from_array(data, RATE, START, seed_id=[SITE, "XX.TWO..HHZ"])
    write_recording(recording, tmp_path / "two.nc")
    (window,) = np.flatnonzero(truth.kind != truth.kind[0])[:1]
    begin = sample_times(recording, window * LENGTH)
    words = ("--window", LENGTH / RATE, "--representation", "scattering", "--similar-to", f"{begin}@XX.ONE")
    done = selfseis("explore", tmp_path / "two.nc", "--out", tmp_path / "out", *words)
    assert done.exit_code == 0 and "Most similar windows" in done.stdout, done.stderr
    table = pd.read_csv(tmp_path / "out" / "similar.csv")
    assert list(table["rank"]) == list(range(len(table))) and table["seed_id"][0] == SITE
    assert table["seed_id"][1] == "XX.TWO..HHZ"  # the same waveform, seven windows later
    assert "Similar windows" in (tmp_path / "out" / "atlas.html").read_text()
    late = ("--similar-to", "2031-01-01", "--model", tmp_path / "out" / "model")
    again = selfseis("explore", tmp_path / "two.nc", "--out", tmp_path / "out", *late)
    assert again.exit_code == 1 and "no usable window" in again.stderr
    assert not (tmp_path / "out" / "similar.csv").exists()
