"""Hidden data and their zones are never visible."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfseis.validation import hide_blocks, hide_channels, hide_groups, hide_time_patches


def distance_to(mask: np.ndarray) -> np.ndarray:
    """Return how far each element lies from the nearest one that is set."""
    return np.abs(np.arange(len(mask))[:, None] - np.flatnonzero(mask)[None]).min(axis=1)


@given(st.integers(1, 90), st.integers(0, 12), st.integers(0, 100))
def test_hidden_channels_and_their_zones_are_invisible(n_channels, blind_zone, fold) -> None:
    hidden, visible = hide_channels(n_channels, blind_zone, fold=fold)
    assert hidden.shape == visible.shape == (n_channels,)
    if not hidden.any():
        assert visible.all()
        return
    np.testing.assert_array_equal(visible, distance_to(hidden) > blind_zone)
    np.testing.assert_array_equal(np.diff(np.flatnonzero(hidden)), 2 * (2 * blind_zone + 1))


@given(st.integers(1, 60), st.integers(0, 6))
def test_all_folds_hide_each_channel_once(n_channels, blind_zone) -> None:
    folds = 2 * (2 * blind_zone + 1)
    times = sum(hide_channels(n_channels, blind_zone, fold=fold)[0].astype(int) for fold in range(folds))
    np.testing.assert_array_equal(times, 1)


def test_a_blind_zone_cannot_be_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        hide_channels(10, -1)


@given(st.lists(st.sampled_from(["XX.A.", "XX.B.", "XX.C.00"]), min_size=1, max_size=20), st.integers(0, 9))
def test_all_channels_of_a_group_are_hidden(groups, fold) -> None:
    groups = np.array(groups)
    hidden, visible = hide_groups(groups, fold=fold)
    np.testing.assert_array_equal(visible, ~hidden)
    assert len(set(groups[hidden])) == 1
    assert not set(groups[hidden]) & set(groups[visible])


def test_all_folds_of_groups_hide_each_channel_once() -> None:
    groups = np.array(["B", "A", "B", "C", "A"])
    assert sum(hide_groups(groups, fold=fold)[0].astype(int) for fold in range(3)).tolist() == [1] * 5


@given(
    st.integers(2, 30),
    st.integers(1, 20),
    st.integers(0, 19),
    st.floats(0, 1),
    st.integers(0, 25),
    st.integers(0),
)
def test_time_patches_keep_their_guard(n_patches, patch, rest, fraction, guard, seed) -> None:
    n_samples = n_patches * patch + min(rest, patch - 1)
    hidden, visible = hide_time_patches(n_samples, patch, fraction, np.random.default_rng(seed), guard=guard)
    assert not (hidden & visible).any()
    np.testing.assert_array_equal(visible, distance_to(hidden) > guard)
    n_hidden = int(hidden[: n_patches * patch : patch].sum())
    assert n_hidden == np.clip(round(fraction * n_patches), 1, n_patches - 1)
    whole = hidden[: n_patches * patch].reshape(n_patches, patch)
    assert (whole.all(axis=1) | ~whole.any(axis=1)).all()


def test_time_patches_need_two_patches() -> None:
    with pytest.raises(ValueError, match="fewer than two patches"):
        hide_time_patches(15, 10, 0.5, np.random.default_rng(0))


def test_time_patches_depend_on_the_seed_alone() -> None:
    first, again, other = (
        hide_time_patches(1000, 10, 0.3, np.random.default_rng(seed))[0] for seed in (1, 1, 2)
    )
    assert (first == again).all() and (first != other).any()


@given(st.integers(2, 60), st.integers(2, 60), st.integers(0, 8))
def test_blocks_cover_all_elements_once_and_keep_their_guard(n, n_folds, guard) -> None:
    n_folds = min(n, n_folds)
    folds = list(hide_blocks(n, n_folds, guard=guard))
    assert len(folds) == n_folds
    np.testing.assert_array_equal(sum(hidden.astype(int) for hidden, _ in folds), 1)
    for hidden, visible in folds:
        assert np.ptp(np.flatnonzero(hidden)) == hidden.sum() - 1
        np.testing.assert_array_equal(visible, distance_to(hidden) > guard)


@pytest.mark.parametrize("n_folds", [1, 11])
def test_blocks_need_a_possible_number_of_folds(n_folds) -> None:
    with pytest.raises(ValueError, match="n_folds"):
        list(hide_blocks(10, n_folds))
