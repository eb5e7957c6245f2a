"""Command `selfseis explore`: result files, exports for other software, and invalid input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from explore_truth import LENGTH, RATE, KnownTruth, planted
from scipy.cluster.hierarchy import fcluster, is_valid_linkage

from selfseis.io.obspy_import import obspy
from selfseis.recording import recording_from_array, write_recording

WINDOW = LENGTH / RATE
FAST_OPTIONS = ("--window", WINDOW, "--representation", "scattering")


@pytest.fixture(scope="module")
def station_file(truth: KnownTruth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "station.nc"
    other = planted(0).data + 0.1 * np.random.default_rng(5).standard_normal(truth.data.shape)
    data = np.stack([truth.data, other])
    data[1, 20 * LENGTH : 22 * LENGTH] = np.nan
    write_recording(
        recording_from_array(data, RATE, "2020-01-01", seed_id=["XX.ONE..HHZ", "XX.TWO..HHZ"]), path
    )
    return path


@pytest.fixture(scope="module")
def results(station_file: Path, selfseis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("explored") / "out"
    done = selfseis("explore", station_file, "--out", out, *FAST_OPTIONS, "--export", 1)
    assert done.exit_code == 0, done.stderr
    assert "explore: works" in done.stdout and "classes" in done.stdout
    return out


def test_segments_have_the_documented_columns(results: Path) -> None:
    table = pd.read_csv(results / "segments.csv")
    assert list(table.columns) == ["seed_id", "start", "end", "class", "class_stability", "novelty"]
    assert set(table["seed_id"]) == {"XX.ONE..HHZ", "XX.TWO..HHZ"}
    assert (table.loc[table["class"] >= 0, "class_stability"].between(0, 1)).all()
    assert (table["novelty"] >= 0).all()
    assert table["class"].value_counts().index[0] == 0
    duration = pd.to_datetime(table["end"]) - pd.to_datetime(table["start"])
    assert (abs(duration.dt.total_seconds() - WINDOW) < 2e-3).all()


def test_classes_have_stability_null_and_agreement(results: Path) -> None:
    table = pd.read_csv(results / "classes.csv").set_index("class")
    known = table[table.index >= 0]
    assert (known["stability_low"] <= known["stability"]).all() and (
        known["stability"] <= known["stability_high"]
    ).all()
    assert known["n_windows"].sum() + table[table.index < 0]["n_windows"].sum() == len(
        pd.read_csv(results / "segments.csv")
    )
    assert (known.loc[known["trusted"], "agreement"] > known.loc[known["trusted"], "agreement_null"]).all()
    summary = json.loads((results / "explore.json").read_text())
    assert summary["station_consensus"]["value"] > 0.5 > summary["station_consensus"]["null"]


def in_leaves(linkage: np.ndarray) -> np.ndarray:
    """Count leaves instead of windows, as the check of SciPy requires."""
    counts = [1] * (len(linkage) + 1)
    for a, b in linkage[:, :2].astype(int):
        counts.append(counts[a] + counts[b])
    return np.column_stack([linkage[:, :3], counts[len(linkage) + 1 :]])


def test_the_atlas_arrays_fit_together(results: Path) -> None:
    with np.load(results / "atlas.npz", allow_pickle=False) as file:
        atlas = {name: file[name] for name in file.files}
    segments = pd.read_csv(results / "segments.csv")
    n = len(segments)
    for name in ("station", "start_ns", "class", "leaf", "novelty", "map", "level_db", "neighbours"):
        assert len(atlas[name]) == n, name
    np.testing.assert_array_equal(atlas["class"], segments["class"])
    tree = in_leaves(atlas["linkage"])
    assert is_valid_linkage(tree)
    cut = fcluster(tree, float(atlas["cut"]), "distance")
    together = cut[:, None] == cut[None]
    np.testing.assert_array_equal(together, atlas["leaf_class"][:, None] == atlas["leaf_class"][None])
    assert atlas["linkage"][-1, 3] == atlas["leaf_size"].sum() == (atlas["leaf"] >= 0).sum()
    used = atlas["leaf"] >= 0
    np.testing.assert_array_equal(atlas["leaf_class"][atlas["leaf"][used]], atlas["class"][used])
    assert (atlas["neighbours"] != np.arange(n)[:, None]).all()
    assert atlas["gap_end_ns"][0] - atlas["gap_start_ns"][0] == 2 * WINDOW * 1e9
    assert list(atlas["example_class"]) == [atlas["class"][row] for row in atlas["example_window"]]
    assert np.isfinite(atlas["example_spectrogram"]).all()
    assert atlas["example_waveform"].shape[0] <= 400


def test_novelty_is_ranked_with_false_alarm_rates(results: Path) -> None:
    table = pd.read_csv(results / "novelty.csv")
    assert (table["novelty"].diff().dropna() <= 0).all()
    assert (table["false_alarm_rate"].diff().dropna() >= -1e-9).all()
    assert table["false_alarm_rate"].iloc[0] < 0.2  # six novel windows above the surrogates
    assert (table["window"] != table["nearest_window"]).all()


def test_repeating_glitches_form_a_multiplet(results: Path) -> None:
    table = pd.read_csv(results / "multiplets.csv")
    assert len(table) and (table.groupby("multiplet")["template"].sum() == 1).all()
    assert table["correlation"].min() >= 0.3


def test_a_class_is_exported_as_quakeml_miniseed_and_seisbench(results: Path) -> None:
    folder, n = results / "class_1", int((pd.read_csv(results / "segments.csv")["class"] == 1).sum())
    events = obspy().read_events(str(folder / "events.xml"))
    assert 0 < len(events) <= n
    assert "selfseis class 1" in events[0].comments[0].text
    files = sorted((folder / "mseed").glob("*.mseed"))
    assert len(files) == n
    trace = obspy().read(str(files[0]))[0]
    assert trace.stats.npts == LENGTH and trace.stats.sampling_rate == RATE
    metadata = pd.read_csv(folder / "seisbench" / "metadata.csv")
    assert len(metadata) == n and metadata["trace_name"].iloc[0].startswith("bucket0$0")
    import h5py

    with h5py.File(folder / "seisbench" / "waveforms.hdf5") as file:
        assert file["data/bucket0"].shape == (n, 3, LENGTH)
        assert file["data_format/component_order"][()] == b"ZNE"


def test_class_names_are_kept_and_a_model_is_used_again(results: Path, station_file: Path, selfseis) -> None:
    (results / "class_names.json").write_text('{"1": "bursts of the mill"}')
    done = selfseis("explore", station_file, "--out", results, "--model", results / "model")
    assert done.exit_code == 0, done.stderr
    table = pd.read_csv(results / "classes.csv").set_index("class")
    assert table.loc[1, "name"] == "bursts of the mill"
    evaluated = selfseis("evaluate", results / "model", station_file)
    assert evaluated.exit_code == 0 and evaluated.stdout.startswith("explore: ")


def test_parquet_equals_csv(results: Path) -> None:
    pytest.importorskip("pyarrow")
    kept = pd.read_parquet(results / "segments.parquet")
    pd.testing.assert_frame_equal(kept, pd.read_csv(results / "segments.csv"), check_dtype=False)


def test_a_fibre_is_explored_by_groups_of_channels(selfseis, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = rng.standard_normal((32, 4000)).astype(np.float32)
    recording = recording_from_array(data, 100.0, distance=np.arange(32) * 2.0)
    write_recording(recording, tmp_path / "fibre.nc")
    done = selfseis("explore", tmp_path / "fibre.nc", "--out", tmp_path / "out", *FAST_OPTIONS[2:])
    assert done.exit_code == 0, done.stderr
    assert set(pd.read_csv(tmp_path / "out" / "segments.csv")["seed_id"]) == {"0m-30m", "32m-62m"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--window", "1000000"], "windows of 1e+06 s"),
        (["--model", "nowhere"], "holds no model"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], message: str, station_file: Path, selfseis, tmp_path: Path
) -> None:
    done = selfseis("explore", station_file, "--out", tmp_path / "out", *words)
    assert done.exit_code == 2
    assert message in done.stderr.splitlines()[-1]


def test_an_unknown_class_is_refused(results: Path, station_file: Path, selfseis, tmp_path: Path) -> None:
    done = selfseis("explore", station_file, "--out", tmp_path, "--model", results / "model", "--export", 99)
    assert done.exit_code == 2 and "no window is of class 99" in done.stderr


def test_invalid_class_names_are_refused_and_kept(station_file: Path, selfseis, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "class_names.json").write_text("[1, 2]")
    done = selfseis("explore", station_file, "--out", tmp_path / "out", *FAST_OPTIONS)
    assert done.exit_code == 2 and "does not hold names of classes" in done.stderr
    assert (tmp_path / "out" / "class_names.json").read_text() == "[1, 2]"
