"""The explorer: recovery of planted classes, invariance to units, and no structure in surrogates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explore_truth import LENGTH, N_WINDOWS, PULSE, RATE, KnownTruth, planted
from sklearn.base import clone
from sklearn.metrics import adjusted_mutual_info_score

from selfseis import Explorer, InputError
from selfseis.explore.clustering import Method
from selfseis.explore.features import WindowTable
from selfseis.explore.novelty import Novelty, edge_windows
from selfseis.explore.options import ExplorerOptions, NoveltyOptions, WindowOptions
from selfseis.explore.representation import Representation
from selfseis.explore.windows import Grid, sites_of, stream_windows
from selfseis.recording import recording_from_array
from selfseis.validation import phase_randomised


def test_planted_classes_are_found_with_a_positive_verdict(explorer: Explorer, truth: KnownTruth) -> None:
    explored = explorer.explored_
    assert explored is not None
    kind = truth.kind[explored.table.first // LENGTH]
    assert adjusted_mutual_info_score(kind, explored.labels) > 0.7
    assert explorer.verdict_.outcome == "works", explorer.verdict_
    assert len(explorer.verdict_.details["trusted_classes"]) >= 3


def test_planted_novel_windows_lead_the_novelty_list(explorer: Explorer, truth: KnownTruth) -> None:
    explored = explorer.explored_
    assert explored is not None
    leading = np.argsort(-explored.novelty)[:8]
    kind = truth.kind[explored.table.first // LENGTH]
    assert (kind[leading] == PULSE).sum() == 3
    assert (explored.p_value[kind == PULSE] < 0.01).all()


@pytest.mark.parametrize(
    ("seed", "representation"), [(1, "auto"), (2, "scattering"), (3, "scattering"), (4, "scattering")]
)
def test_phase_randomised_data_have_no_structure(seed: int, representation: Representation) -> None:
    rows = phase_randomised(planted(seed).data[None], np.random.default_rng(seed))
    found = Explorer(window=LENGTH / RATE, representation=representation).fit(
        recording_from_array(rows, RATE)
    )
    assert found.verdict_.outcome == "no_gain", found.verdict_
    assert "No structure" in found.verdict_.reason


def test_units_do_not_matter(explorer: Explorer, truth: KnownTruth) -> None:
    scaled = Explorer(window=LENGTH / RATE, representation="scattering").fit(truth.recording(gain=1e-9))
    assert scaled.explored_ is not None and explorer.explored_ is not None
    assert adjusted_mutual_info_score(scaled.explored_.labels, explorer.explored_.labels) > 0.98


def test_units_of_time_do_not_matter(explorer: Explorer, truth: KnownTruth) -> None:
    """The same samples at a thousandth of the sampling rate have the same classes."""
    slow = Explorer(window=1000 * LENGTH / RATE, representation="scattering").fit(
        truth.recording(rate=RATE / 1000)
    )
    assert slow.explored_ is not None and explorer.explored_ is not None
    np.testing.assert_array_equal(slow.explored_.labels, explorer.explored_.labels)


def test_the_order_of_stations_does_not_matter(truth: KnownTruth) -> None:
    other = planted(7).data
    found = []
    for order in ([0, 1], [1, 0]):
        data = np.stack([truth.data, other])[order]
        names = np.array(["XX.ONE..HHZ", "XX.TWO..HHZ"])[order]
        recording = recording_from_array(data, RATE, seed_id=list(names))
        explored = Explorer(window=LENGTH / RATE, representation="scattering").fit(recording).explored_
        assert explored is not None
        found.append(explored.labels)
    np.testing.assert_array_equal(*found)


def test_a_loaded_explorer_gives_the_same_results(
    explorer: Explorer, truth: KnownTruth, tmp_path: Path
) -> None:
    explorer.save(tmp_path / "model")
    again = Explorer.load(tmp_path / "model")
    assert again.explored_ is None
    assert explorer.explored_ is not None
    np.testing.assert_array_equal(again.predict(truth.recording()), explorer.explored_.labels)
    assert again.verdict_.to_dict() == explorer.verdict_.to_dict()
    other = again.evaluate(planted(5).recording())
    assert len(other.details["trusted_classes"]) >= 3, other


def test_classes_transfer_to_another_day(explorer: Explorer) -> None:
    other = planted(11)
    labels = explorer.predict(other.recording())
    assert len(labels) == N_WINDOWS
    assert adjusted_mutual_info_score(other.kind, labels) > 0.6


def test_the_most_similar_windows_are_of_the_same_kind(explorer: Explorer, truth: KnownTruth) -> None:
    explored = explorer.explored_
    assert explored is not None
    for kind in (1, 2):
        row = int(np.flatnonzero(truth.kind == kind)[0])
        assert (truth.kind[explored.find_similar(row, 10)] == kind).mean() >= 0.8
    assert explored.row_at("XX.ONE..HHZ", 5 * LENGTH + 3) == 5
    with pytest.raises(InputError, match="has no window at sample"):
        explored.row_at("XX.NONE..HHZ", 0)


def test_gaps_are_left_out_and_counted(truth: KnownTruth) -> None:
    data = truth.data.copy()
    data[10 * LENGTH : 12 * LENGTH + 30] = np.nan
    explored = (
        Explorer(window=LENGTH / RATE, representation="scattering")
        .fit(recording_from_array(data, RATE))
        .explored_
    )
    assert explored is not None
    np.testing.assert_array_equal(explored.gaps.first, LENGTH * np.arange(10, 13))
    assert len(explored.table) == N_WINDOWS - 3
    assert np.isfinite(explored.points).all() and np.isfinite(explored.novelty).all()


def test_the_learned_encoder_is_compared_and_saved(truth: KnownTruth, tmp_path: Path) -> None:
    learned = Explorer(window=LENGTH / RATE, representation="learned").fit(truth.recording())
    assert learned.representation_.comparison is not None
    learned.save(tmp_path / "model")
    assert learned.explored_ is not None
    np.testing.assert_array_equal(
        Explorer.load(tmp_path / "model").predict(truth.recording()), learned.explored_.labels
    )


@pytest.mark.parametrize("grouping", ["gmm", "ward"])
def test_other_clustering_methods_find_the_classes(grouping: Method, truth: KnownTruth) -> None:
    found = Explorer(window=LENGTH / RATE, grouping=grouping, representation="scattering").fit(
        truth.recording()
    )
    assert found.explored_ is not None
    assert adjusted_mutual_info_score(truth.kind, found.explored_.labels) > 0.25
    assert len(set(found.explored_.labels.tolist())) >= 3


def test_clone_keeps_the_parameters() -> None:
    options = ExplorerOptions().with_options(embedding={"n_axes": 3})
    made = Explorer(window=3.0, seed=4, options=options)
    assert clone(made).get_params() == {
        "window": 3.0,
        "grouping": "hdbscan",
        "representation": "auto",
        "seed": 4,
        "options": options,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0.01}, "windows of 0.01 s are 0 samples"),
        ({"window": 1e6}, "windows of 1e"),
        ({"window": float("nan")}, "windows of nan s"),
        ({"grouping": "guess"}, "grouping must be one of .*got 'guess'"),
        ({"representation": "guess"}, "representation must be one of .*got 'guess'"),
    ],
)
def test_invalid_arguments_are_refused_in_one_line(arguments: dict, message: str, truth: KnownTruth) -> None:
    with pytest.raises(InputError, match=message):
        Explorer(**arguments).fit(truth.recording())


def test_empty_short_and_other_recordings_are_refused_in_one_line(explorer: Explorer) -> None:
    with pytest.raises(InputError, match="too few to explore"):
        Explorer().fit(recording_from_array(np.ones(50), RATE))
    with pytest.raises(InputError, match="no window of"):
        Explorer().fit(recording_from_array(np.full(5000, np.nan), RATE))
    with pytest.raises(InputError, match="trained at 50 Hz and the recording has 20 Hz"):
        explorer.predict(recording_from_array(np.ones(5000), 20.0))


def test_a_dead_channel_counts_as_a_gap() -> None:
    data = np.random.default_rng(0).standard_normal((2, 9000)).astype(np.float32)
    data[1] = 5.0
    explored = Explorer().fit(recording_from_array(data, RATE)).explored_
    assert explored is not None
    assert set(explored.table.site.tolist()) == {0}
    assert (explored.gaps.site == 1).sum() > 0


def test_windows_next_to_gaps_and_ends_are_filled(truth: KnownTruth) -> None:
    data = np.stack([truth.data, truth.data])
    data[:, 10 * LENGTH : 12 * LENGTH + 30] = np.nan
    recording = recording_from_array(data, RATE)
    options = WindowOptions()
    for batch in stream_windows(recording, sites_of(recording, options), Grid(RATE, LENGTH), options):
        assert np.isfinite(batch.samples).all()
        np.testing.assert_array_equal(batch.usable, ~np.isin(batch.first // LENGTH, [10, 11, 12]))


def test_the_edge_of_an_event_is_not_novel() -> None:
    rng = np.random.default_rng(3)
    data = rng.standard_normal(400 * LENGTH)
    first = 201 * LENGTH - LENGTH // 4  # a quarter of it in window 200, the rest in 201
    t = np.arange(LENGTH)
    data[first : first + LENGTH] += 60 * np.sin(np.pi * t / LENGTH) ** 4 * np.sin(0.9 * t)
    recording = recording_from_array(data, RATE, "2020-01-01", seed_id=["XX.ONE..HHZ"])
    explored = Explorer(window=LENGTH / RATE, representation="scattering").fit(recording).explored_
    order = np.argsort(-explored.novelty)
    assert order[0] == 201
    assert (explored.novelty[[200, 202]] <= 1.01 * np.median(explored.novelty)).all()


def test_edges_belong_to_the_same_site_without_a_gap_between() -> None:
    power_ratio = np.ones((60, 4), np.float32) + np.random.default_rng(0).uniform(0, 0.1, (60, 4)).astype(
        np.float32
    )
    power_ratio[[10, 29, 45]] = 100
    site = np.repeat(np.array([0, 1], np.int16), 30)
    first = np.tile(np.arange(30) * LENGTH, 2)
    first[46:] += LENGTH  # after window 45 one is missing
    none = np.zeros((60, 0), np.float32)
    table = WindowTable(site, first, power_ratio[:, None], power_ratio, none[:, None], none)
    assert np.flatnonzero(edge_windows(table, power_ratio, LENGTH, NoveltyOptions())).tolist() == [
        9,
        11,
        28,
        44,
    ]


def test_a_small_group_is_more_novel_than_a_single_point_as_far_away() -> None:
    rng = np.random.default_rng(1)
    crowd = rng.standard_normal((500, 3))
    group = [30.0, 0, 0] + 0.1 * rng.standard_normal((6, 3))
    points = np.vstack([crowd, group, [[0, 30.0, 0]]]).astype(np.float32)
    score = Novelty.measure(points, points[:100], 0, NoveltyOptions()).score(points)
    assert score[500:506].min() > score[506] > score[:500].max()


@pytest.mark.parametrize("n_axes", [3, 16, 40])
@pytest.mark.parametrize("move", [0.0, 1e-6])
def test_novelty_does_not_depend_on_rounding(n_axes: int, move: float) -> None:
    """Beyond 15 axes scikit-learn searches with a formula that does not give exactly 0 between equal points."""
    rng = np.random.default_rng(2)
    points = rng.uniform(-1, 1, (400, n_axes)).astype(np.float32)
    moved = (points + move * rng.standard_normal(points.shape)).astype(np.float32)
    n = NoveltyOptions().n_neighbours
    between = np.linalg.norm(points[:, None].astype(float) - points, axis=2)
    distances = np.sort(between, axis=1)[:, 1 : n + 1]  # the first is the point itself
    near, far = distances[:, NoveltyOptions().near_neighbour - 1], distances[:, -1]
    expected = distances.mean(axis=1) * np.sqrt(far / near)
    novelty = Novelty.measure(points, points[:100], 0, NoveltyOptions())
    np.testing.assert_allclose(novelty.score(moved), expected, rtol=1e-5 if move == 0 else 1e-4)


def test_a_window_that_is_not_known_has_all_its_neighbours() -> None:
    points = np.random.default_rng(2).uniform(-1, 1, (400, 16)).astype(np.float32)
    n = NoveltyOptions().n_neighbours
    novelty = Novelty.measure(points[1:], points[:100], 0, NoveltyOptions())
    known = Novelty.measure(points, points[:100], 0, NoveltyOptions())
    assert len(novelty.known) > n
    np.testing.assert_allclose(novelty.score(points[:1]), known.score(points[:1]), rtol=1e-5)


def test_sites_keep_component_codes() -> None:
    names = [
        "XB.ELYSE.02.BHU",
        "XB.ELYSE.02.BHV",
        "XB.ELYSE.02.BHW",
        "XA.S14..MH1",
        "XA.S14..MHZ",
        "XX.ONE..HHZ",
    ]
    recording = recording_from_array(np.zeros((6, 100), np.float32), 2.0, "2019-04-06", seed_id=names)
    sites = {site.name[:5]: site for site in sites_of(recording, WindowOptions())}
    for site in sites.values():
        assert site.labels == tuple(str(recording["seed_id"].values[row])[-1] for row in site.rows)
    assert sorted(sites["XB.EL"].labels) == ["U", "V", "W"]
    assert (sites["XA.S1"].labels, sites["XA.S1"].roles) == (("Z", "1"), "ZN")
