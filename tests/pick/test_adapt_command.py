"""`selfseis train picker --init-from --labels`: what it says, saves and refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from selfseis.pick import Picker
from selfseis.recording import recording_from_array, write_recording
from short_options import SHORT_PICKER

OPTIONS = SHORT_PICKER.with_options(
    split={"max_window": 1536}, adaptation={"n_steps": 2, "batch_size": 2, "n_reinjected": 4}
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a recording of one station, options, and labels inside and outside of it."""
    place = tmp_path_factory.mktemp("adapt")
    data = np.random.default_rng(0).normal(size=(3, 40000)).astype(np.float32)
    names = [f"XX.A..HH{letter}" for letter in "ENZ"]
    write_recording(recording_from_array(data, 100.0, "2020-01-01", seed_id=names), place / "data.nc")
    (place / "options.json").write_text(json.dumps(OPTIONS.to_dict()))
    (place / "labels.csv").write_text(
        "station,phase,time\nXX.A,P,2020-01-01T00:00:40Z\nXX.A,S,2020-01-01T00:00:45Z\nXX.B,P,2020-01-01T00:00:50Z\n"
    )
    (place / "elsewhere.csv").write_text("station,phase,time\nXX.A,P,2021-01-01T00:00:40Z\n")
    return place


def adapt(selfseis, folder, *words):
    return selfseis("train", "picker", folder / "data.nc", "--options", folder / "options.json", *words)


def test_a_saved_picker_is_adapted_with_labels_or_refused(selfseis, folder):
    first, second = folder / "first", folder / "second"
    done = adapt(selfseis, folder, "--model", first, "--labels", folder / "labels.csv")
    assert done.exit_code == 0, done.output
    assert "Labels: 2 for training, 1 at stations that are not in the recording." in done.stdout
    assert "The network of selfseis was not changed: the held-out times have too few picks" in done.stdout
    assert Picker.load(first).adaptation_.labels["for training"] == 2
    done = adapt(selfseis, folder, "--model", second, "--init-from", first)
    assert done.exit_code == 0, done.output
    assert Picker.load(second).adaptation_ is not None
    picked = selfseis("pick", folder / "data.nc", "--model", second, "--out", folder / "picked")
    assert picked.exit_code == 0, picked.output
    assert "was not changed" in (folder / "picked" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--labels", "elsewhere.csv"), "none of the 1 picks lies in the recording"),
        (("--labels", "missing.csv"), "does not exist: give a table of labels or QuakeML"),
        (("--init-from", "obspy:ar_pick"), "obspy:ar_pick cannot be adapted"),
        (("--init-from", "nowhere"), "nowhere holds no model"),
        (("--init-from", "other:thing"), "picker must be one of"),
    ],
)
def test_bad_input_is_one_line(selfseis, folder, words, line):
    words = [folder / word if word.endswith(".csv") else word for word in words]
    done = adapt(selfseis, folder, "--model", folder / "bad", *words)
    assert done.exit_code == 2
    (said,) = (text for text in done.stderr.splitlines() if "━" not in text)
    assert said.startswith("selfseis: ")
    assert line in said
    assert not (folder / "bad").exists()
