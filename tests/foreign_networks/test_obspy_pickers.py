"""ObsPy's pickers as networks: onset times, scores, silence and settings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from selfseis.errors import InputError
from selfseis.foreign_networks.picker_registry import network_of

RATE = 100.0


def event(p: int = 2500, s: int = 3200, *, size: float = 100.0) -> np.ndarray:
    """Return noise with a P on the vertical and a stronger S on the horizontals."""
    rng = np.random.default_rng(4)
    data = rng.normal(size=(3, 6000))
    decay = np.exp(-np.arange(6000) / 250)
    data[2, p:] += size * rng.normal(size=6000 - p) * decay[: 6000 - p]
    data[:2, s:] += 3 * size * rng.normal(size=(2, 6000 - s)) * decay[: 6000 - s]
    return data.astype(np.float32)


def scores(name: str, data: np.ndarray) -> np.ndarray:
    net = network_of(f"obspy:{name}", RATE)
    assert net.n_samples == data.shape[1]
    return torch.sigmoid(net(torch.from_numpy(data)[None]))[0].numpy()


@pytest.mark.parametrize(("name", "within"), [("recursive_sta_lta", 30), ("ar_pick", 15)])
def test_the_best_scores_are_at_the_onsets(name: str, within: int) -> None:
    p, s = scores(name, event())
    assert abs(int(p.argmax()) - 2500) <= within and abs(int(s.argmax()) - 3200) <= within
    assert p.max() > 0.8 and s.max() > 0.8  # noise has 0.2 to 0.4


@pytest.mark.parametrize("name", ["recursive_sta_lta", "ar_pick"])
def test_noise_scores_low_and_silence_nothing(name: str) -> None:
    assert scores(name, event(size=0.0)).max() < 0.5
    assert scores(name, np.zeros((3, 6000), np.float32)).max() < 1e-6
    alone = event()
    alone[:2] = 0.0
    p, s = scores(name, alone)
    assert abs(int(p.argmax()) - 2500) <= 30 and np.isfinite(s).all()


def test_settings_change_the_window_and_the_score() -> None:
    assert network_of("obspy:ar_pick?window_s=30", RATE).n_samples == 3000
    strict = network_of("obspy:recursive_sta_lta?trigger=20", RATE)
    data = torch.from_numpy(event())[None]
    assert strict(data).max() < network_of("obspy:recursive_sta_lta", RATE)(data).max()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("windows=3", "has no setting windows"),
        ("sta_s=soon", "is not a number"),
        ("trigger=0", "trigger of obspy:ar_pick must be above 0"),
        ("window_s=5", "must hold its averages twice"),
        ("sta_s=inf", "finite"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_one_line(settings: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        network_of(f"obspy:ar_pick?{settings}", RATE)
