"""Training, validation and test samples do not overlap, and the filter does not connect them."""

from __future__ import annotations

import numpy as np
import pytest

from selfseis.denoise.training_data import is_line, measured_blind_zone, training_spans
from selfseis.recording import recording_from_array
from selfseis.recording.preprocessing import Conditioner
from selfseis.simulate import band_limited_noise

RATE = 50.0


def fibre(data: np.ndarray):
    return recording_from_array(data, RATE, distance=10.0 * np.arange(len(data)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_training_validation_and_test_do_not_overlap(seed) -> None:
    data = band_limited_noise(10, 24_000, RATE, (2, 20), 1)
    data[2, 3000:4000] = np.nan
    data[7] = 0
    recording = fibre(data)
    conditioner = Conditioner.measure(recording, (2.0, 20.0))
    (span,) = training_spans(recording, conditioner, seed)
    uses = np.stack([span.train, span.validation, span.test])
    assert uses.sum(axis=0).max() == 1
    assert not uses[:, ~np.isfinite(data)].any() and not uses[:, 7].any()
    shares = uses[:, 0].mean(axis=1)
    assert shares[0] > 0.4 and shares[1] > 0.04 and shares[2] > 0.1
    hidden = (span.validation[0] | span.test[0]).astype(int)
    reach = len(conditioner.taps) // 2
    near = np.convolve(hidden, np.ones(2 * reach + 1, int), mode="same") > 0
    assert not (span.train[0] & near).any()


@pytest.mark.parametrize("seed", range(5))
def test_validation_and_test_share_the_held_out_events(seed) -> None:
    """Patches alternate by energy; in order of time the split of events would be random."""
    data = band_limited_noise(10, 48 * 500, RATE, (2, 20), 1)
    strong = np.random.default_rng(seed).choice(48, 12, replace=False)
    for patch in strong:
        data[:, 500 * patch : 500 * (patch + 1)] *= 2
    (span,) = training_spans(fibre(data), Conditioner.measure(fibre(data), (2.0, 20.0)), seed)
    validation, test = (
        np.count_nonzero(use[0].reshape(48, 500).any(axis=1)[strong]) for use in (span.validation, span.test)
    )
    assert abs(validation - test) <= 1


def test_the_split_depends_on_the_seed_alone() -> None:
    recording = fibre(band_limited_noise(10, 5000, RATE, (2, 20), 1))
    conditioner = Conditioner.measure(recording)
    first, again, other = (training_spans(recording, conditioner, seed)[0].train for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


@pytest.mark.parametrize("gauge", [1, 3, 6])
def test_the_blind_zone_matches_the_gauge_length(gauge) -> None:
    recording = fibre(band_limited_noise(60, 12_000, RATE, (1, 20), 2, correlation_length=gauge))
    spans = training_spans(recording, Conditioner.measure(recording), 0)
    width, correlation = measured_blind_zone(spans)
    assert abs(width - (gauge - 1)) <= 1 and correlation[0] == pytest.approx(1, abs=1e-3)


def test_a_line_needs_eight_channels_along_a_fibre() -> None:
    assert is_line(fibre(np.zeros((8, 10), np.float32))) and not is_line(fibre(np.zeros((7, 10), np.float32)))
    stations = recording_from_array(
        np.zeros((9, 10), np.float32), RATE, seed_id=[f"X.{i}..Z" for i in range(9)]
    )
    assert not is_line(stations)
