"""Labels for adapting a picker: reading, split by time, windows."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.catalogue.records import Pick
from selfseis.errors import InputError
from selfseis.io.obspy_import import obspy
from selfseis.pick import Picker
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.labelled_picks import as_labels, label_windows, read_labels, sort_labels
from selfseis.pick.pseudo_labels import PseudoLabels, joined_labels
from selfseis.recording import recording_from_array
from selfseis.recording.components import stations_of
from short_options import SHORT_PICKER

RATE = 100.0
START = np.datetime64("2020-01-01T00:00:00", "ns")


def recording(seconds=60.0, stations=("A", "B")):
    data = np.random.default_rng(0).normal(size=(3 * len(stations), int(seconds * RATE)))
    names = [f"XX.{station}..HH{letter}" for station in stations for letter in "ENZ"]
    return recording_from_array(data.astype(np.float32), RATE, START, seed_id=names)


def pick(station, phase, second):
    return Pick(station, phase, START + np.timedelta64(round(second * 1e9), "ns"), 1.0, 0.1)


def test_a_table_is_read_by_its_names(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        "net,sta,phase_hint,pick_time,analyst\nXX,A,Pg,2020-01-01T00:00:05.5Z,me\n"
        "XX,A,Sn,2020-01-01 00:00:09,me\nXX,B,Lg,2020-01-01T00:00:09,me\nXX,B,P,soon,me\n"
    )
    labels = read_labels(path)
    assert labels.station.tolist() == ["XX.A", "XX.A"]
    assert labels.phase.tolist() == ["P", "S"]
    assert labels.time[0] - START == np.timedelta64(5500, "ms")
    assert labels.left_out == {"of other phases": 1, "without a time that can be read": 1}


def test_quakeml_is_read_with_the_phases_of_its_arrivals(tmp_path):
    obspy()
    from obspy import UTCDateTime
    from obspy.core.event import Arrival, Catalog, Event, Origin, WaveformStreamID
    from obspy.core.event import Pick as ObsPyPick

    picks = [
        ObsPyPick(
            time=UTCDateTime(2020, 1, 1, 0, 0, 5), waveform_id=WaveformStreamID("XX", "A"), phase_hint="P"
        ),
        ObsPyPick(time=UTCDateTime(2020, 1, 1, 0, 0, 9), waveform_id=WaveformStreamID("XX", "A", "", "HHN")),
    ]
    origin = Origin(
        time=UTCDateTime(2020, 1, 1),
        latitude=0,
        longitude=0,
        arrivals=[Arrival(pick_id=picks[1].resource_id, phase="Sg")],
    )
    path = tmp_path / "events.xml"
    Catalog([Event(picks=picks, origins=[origin])]).write(str(path), "QUAKEML")
    labels = read_labels(path)
    assert labels.phase.tolist() == ["P", "S"]
    data = recording()
    sorted_labels = sort_labels(labels, data, stations_of(data), [(0, 6000)], 2000)
    np.testing.assert_allclose(sorted_labels.training[0], [[500, 900]], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("labels.csv", "station,phase\nXX.A,P\n", "has no column time"),
        (
            "labels.csv",
            "station,phase,time\nXX.A,Lg,2020-01-01\n",
            r"no label of P or S \(1 of other phases\)",
        ),
        ("labels.csv", "", "has no column station, phase, time"),
        ("events.xml", "<q:quakeml>", "cannot be read"),
        ("missing.csv", None, "does not exist"),
    ],
)
def test_a_file_without_labels_is_one_line(tmp_path, name, content, match):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=match) as error:
        read_labels(tmp_path / name)
    assert "\n" not in str(error.value)


def test_labels_are_split_by_time_and_every_one_is_counted():
    data = recording()
    picks = [
        pick("XX.A", "P", 5),
        pick("XX.A", "S", 8),  # of the first P
        pick("XX.A", "P", 20),  # without an S before the next P
        pick("XX.A", "P", 22),
        pick("XX.A", "S", 59),  # too late for the P at 22 s
        pick("XX.A..HHZ", "P", 50),  # held out
        pick("B", "S", 12),
        pick("XX.C", "P", 12),
        pick("XX.A", "P", 700),
    ]
    labels = sort_labels(as_labels(picks), data, stations_of(data), [(0, 4000)], 600)
    np.testing.assert_allclose(labels.training[0], [[500, 800], [2000, np.nan], [2200, np.nan]])
    assert not len(labels.training[1])
    assert labels.counts == {
        "for training": 4,
        "held out": 1,
        "S without a P": 2,
        "at stations that are not in the recording": 1,
        "outside the time of the recording": 1,
    }
    assert sum(labels.counts.values()) == len(picks)


def test_labels_outside_the_data_are_one_line():
    data = recording()
    with pytest.raises(InputError, match="none of the 1 picks lies in the recording"):
        sort_labels(as_labels([pick("XX.A", "P", 900)]), data, stations_of(data), [(0, 4000)], 600)
    assert as_labels([]) is None
    assert sort_labels(None, data, stations_of(data), [], 600).counts == {}


def test_windows_hold_the_labels_and_ignore_unlisted_candidates():
    training = Picker(options=SHORT_PICKER)._training(recording(120.0, ("A",)), None)
    candidates = [OnsetCandidates(np.array([[5000.0, 0.9], [5900, 0.9]]), np.array([[6400.0, 0.4]]))]
    made = label_windows(training, [np.array([[5000.0, 5300.0], [9000.0, np.nan]])], candidates)
    middle = training.maker.n_samples
    assert made.n_positives == len(made.windows) == 2
    assert made.s_minus_p.tolist() == [300, 0]
    assert made.labels[0].argmax(axis=1).tolist() == [middle, middle + 300]
    assert made.labels[1, 0, middle] == made.labels[1, 0, middle - 4000] == 1
    # The S of the second event is not labelled; that of the first lies before it.
    assert made.labels[1, 1, middle:].max() == 0
    assert made.weights[0, 0, middle] and made.weights[0, 0, middle + 300]
    assert not made.weights[0, 0, [middle + 900, middle + 1400]].any()
    assert label_windows(training, [np.zeros((0, 2))], candidates) is None


def test_joined_labels_begin_with_all_positives():
    def part(value, n_positives, n):
        windows = np.full((n, 3, 8), value, np.float32)
        return PseudoLabels(
            windows, windows[:, :2].astype(np.float16), windows[:, :1] > 0, np.full(n, value), n_positives
        )

    joined = joined_labels([part(1, 2, 3), part(2, 1, 2)])
    assert joined.n_positives == 3
    assert joined.s_minus_p.tolist() == [1, 1, 2, 1, 2]
    assert joined_labels([]) is None
