"""Training and validation of the encoder: no window has a part in both."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from selfseis.explore.embedding import Views
from selfseis.explore.options import EncoderOptions
from selfseis.explore.windows import training_windows

N_BANDS, N_FEATURES, LENGTH, FLOOR = 3, 8, 128, 0.5


def grid_of_windows(n_times: int, n_sites: int) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Return site and first sample of windows, in the order in which they are read: site by site."""
    site = np.repeat(np.arange(n_sites, dtype=np.int16), n_times)
    return site, np.tile(LENGTH * np.arange(n_times, dtype=np.int64), n_sites)


def views_of(n_times: int, n_sites: int) -> tuple[Views, NDArray[np.bool_]]:
    """Return views of loud windows, all with a loud neighbour, and which of the windows train."""
    site, first = grid_of_windows(n_times, n_sites)
    features = np.full((len(site), N_FEATURES), 2.0, np.float32)
    options = EncoderOptions()
    return Views(features, N_BANDS, FLOOR, site, first, options), training_windows(first, options)


@pytest.mark.parametrize("held_out", [False, True])
def test_a_pair_holds_windows_of_one_side_alone(held_out: bool) -> None:
    """Rows, partners and noise: a NaN in any window of the other side would show."""
    views, training = views_of(n_times=61, n_sites=3)
    views.features[training if held_out else ~training] = np.nan
    for view in views.draw(np.random.default_rng(1), 2000, held_out=held_out):
        assert np.isfinite(view).all()


def test_pairs_of_neighbouring_stations_are_on_one_side() -> None:
    views, training = views_of(n_times=61, n_sites=3)
    assert (views.neighbour != np.arange(len(training))).all()
    np.testing.assert_array_equal(training[views.neighbour], training)


def test_every_fifth_time_is_held_out_at_all_sites() -> None:
    _, first = grid_of_windows(n_times=61, n_sites=3)
    expected = first // LENGTH % 5 != 4
    np.testing.assert_array_equal(training_windows(first, EncoderOptions()), expected)


@pytest.mark.parametrize("n_times", [1, 4])
def test_a_record_of_few_times_holds_out_windows(n_times: int) -> None:
    _, first = grid_of_windows(n_times, n_sites=600)
    assert training_windows(first, EncoderOptions()).mean() == pytest.approx(0.8, abs=0.01)
