"""Options of the explorer: each stage uses them, a fitted explorer keeps them; recordings in any form."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import dascore
import numpy as np
import pytest
from explore_truth import LENGTH, RATE, KnownTruth, planted

import selfseis.explore
from selfseis import Explorer, open_recording
from selfseis.explore.export import write_seisbench
from selfseis.explore.multiplets import find_multiplets
from selfseis.explore.options import ExplorerOptions
from selfseis.explore.tables import novelty_list
from selfseis.io.obspy_import import obspy
from selfseis.recording import recording_from_array, write_recording

FOLDER = Path(selfseis.explore.__file__).parent
CHANGED = ExplorerOptions().with_options(
    scattering={"bands_per_octave": 2},
    background={"floor": 0.4},
    embedding={"n_axes": 5, "n_novelty_axes": 7},
    clustering={"min_group_shares": [0.05, 0.02], "assignment_neighbours": 3},
    stability={"n_blocks": 10, "n_bootstrap": 50},
    novelty={"n_neighbours": 9, "max_references": 500, "max_listed": 15},
    multiplets={"min_correlation": 0.99},
    surrogates={"max_windows": 300},
    export={"windows_per_bucket": 7},
)


def fitted(truth: KnownTruth, options: ExplorerOptions) -> Explorer:
    explorer = Explorer(window=LENGTH / RATE, representation="scattering", options=options)
    return explorer.fit(truth.recording())


@pytest.fixture(scope="module")
def changed(truth: KnownTruth) -> Explorer:
    return fitted(truth, CHANGED)


def test_the_fitted_state_follows_the_options(changed: Explorer, explorer: Explorer) -> None:
    assert len(changed.background_.bands) == (len(explorer.background_.bands) + 1) // 2
    assert changed.explored_.points.shape[1] == 5
    assert changed.novelty_.known.shape == (500, 7) and len(changed.novelty_.null) == 300
    assert changed.assigner_.n_neighbours == 3
    assert {solution.grouping.min_share for solution in changed.representation_.solutions} == {0.05, 0.02}
    assert len(np.unique(changed.representation_.solutions[0].views.block)) == 10


def test_results_follow_the_options(changed: Explorer, truth: KnownTruth, tmp_path: Path) -> None:
    import h5py

    recording, explored = truth.recording(), changed.explored_
    assert len(novelty_list(recording, explored)) == 15
    assert all(member.correlation >= 0.9 for member in find_multiplets(recording, explored))
    n_windows = write_seisbench(recording, explored, 1, tmp_path / "seisbench")
    with h5py.File(tmp_path / "seisbench" / "waveforms.hdf5") as file:
        assert len(file["data"]) == -(-n_windows // 7)


@pytest.mark.parametrize("options", [{"windows": {"min_windows": 900}}, {"windows": {"min_length": 200}}])
def test_windows_must_fit_the_options(options: dict[str, Any], truth: KnownTruth) -> None:
    with pytest.raises(selfseis.InputError, match=f"windows of {LENGTH / RATE:g} s"):
        fitted(truth, ExplorerOptions().with_options(**options))


def test_a_verdict_needs_the_wanted_windows(truth: KnownTruth) -> None:
    options = ExplorerOptions().with_options(evaluation={"min_windows": 10_000})
    explorer = Explorer(window=LENGTH / RATE, representation="scattering", options=options)
    verdict = explorer.fit(truth.recording().isel(time=slice(0, 100 * LENGTH))).verdict_
    assert verdict.outcome == "cannot_tell" and "10000 are needed" in verdict.reason


def test_a_fitted_explorer_keeps_its_options(changed: Explorer, truth: KnownTruth, tmp_path: Path) -> None:
    changed.save(tmp_path / "model")
    again = Explorer.load(tmp_path / "model")
    assert again.options == again.model_.options == CHANGED
    other = planted(5).recording()
    np.testing.assert_array_equal(again.predict(other), changed.predict(other))
    np.testing.assert_array_equal(again.embed(other).novelty, changed.embed(other).novelty)
    assert again.evaluate(other) == changed.evaluate(other)
    again.set_params(options=ExplorerOptions())
    np.testing.assert_array_equal(again.predict(other), changed.predict(other))


def test_an_encoder_is_trained_and_loaded_with_the_options(truth: KnownTruth, tmp_path: Path) -> None:
    options = ExplorerOptions().with_options(
        encoder={"min_training_windows": 100, "max_steps": 4, "check_every": 2, "batch_size": 16},
        embedding={"n_axes": 3},
        clustering={"min_group_shares": [0.05]},
    )
    recording = truth.recording().isel(time=slice(0, 200 * LENGTH))
    explorer = Explorer(window=LENGTH / RATE, representation="learned", options=options).fit(recording)
    explorer.save(tmp_path / "model")
    again = Explorer.load(tmp_path / "model")
    assert again.representation_.encoder is not None
    assert again.embed(recording).points.shape[1] == 3
    np.testing.assert_array_equal(again.predict(recording), explorer.explored_.labels)


def test_no_stage_makes_options_of_its_own() -> None:
    """The explorer passes its options on: only its constructor and stored models make any."""
    for path in FOLDER.glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        made = [node.func.id for node in calls if isinstance(node.func, ast.Name)]
        made = [name for name in made if name.endswith("Options")]
        assert made == (["ExplorerOptions"] if path.name == "explorer.py" else []), path.name


def test_every_option_is_used() -> None:
    places = ("explore/*.py", "workflow/explore.py", "workflow/atlas.py", "networks/window_encoder.py")
    paths = [path for place in places for path in FOLDER.parent.glob(place) if path.name != "options.py"]
    code = "\n".join(path.read_text() for path in paths)
    names = {row.name.rpartition(".")[2] for row in ExplorerOptions.rows()}
    assert [name for name in sorted(names) if not re.search(rf"\.{name}\b", code)] == []


def test_recordings_in_any_form_give_the_same_result(
    truth: KnownTruth, explorer: Explorer, tmp_path: Path
) -> None:
    path = tmp_path / "day.mseed"
    write_recording(truth.recording(), path)
    expected = explorer.explored_.labels
    for recording in (path, [path], obspy().read(str(path)), open_recording(path)):
        np.testing.assert_array_equal(explorer.predict(recording), expected)
    assert explorer.evaluate(path) == explorer.verdict_
    again = Explorer(window=LENGTH / RATE, representation="scattering").fit(path)
    np.testing.assert_array_equal(again.explored_.labels, expected)


def test_a_patch_gives_the_same_result_as_its_recording() -> None:
    data = np.random.default_rng(0).standard_normal((16, 4000)).astype(np.float32)
    fibre = recording_from_array(data, 100.0, "2020-01-01", distance=np.arange(16) * 2.0)
    coords = {"time": fibre["time"].values, "distance": fibre["distance"].values}
    patch = dascore.Patch(data=data, coords=coords, dims=("distance", "time"))
    expected = Explorer(representation="scattering").fit(fibre)
    found = Explorer(representation="scattering").fit(patch)
    np.testing.assert_array_equal(found.explored_.labels, expected.explored_.labels)
    assert found.station_consensus(patch, found.explored_) == {}
