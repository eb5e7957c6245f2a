"""The scores of the benchmark of adapting: average precision of resampled blocks, labels of training times."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.picking_adapting import N_BLOCKS, _Blocks, _findings, _scores, _within
from benchmarks.picking_scores import average_precision


def blocks(hit, n_true=40, seed=0):
    rng = np.random.default_rng(seed)
    true = np.bincount(rng.integers(N_BLOCKS, size=n_true), minlength=N_BLOCKS).astype(float)
    return _Blocks(rng.integers(N_BLOCKS, size=len(hit)), np.asarray(hit), true)


def test_unit_weights_give_the_average_precision():
    truth = np.arange(40.0) * 10
    rng = np.random.default_rng(1)
    at = np.concatenate([truth[:30] + 0.01, rng.uniform(0, 400, 30)])
    height = rng.permutation(np.linspace(0.01, 0.99, 60))
    near = np.abs(at[30:, None] - truth).min(axis=1) > 0.5
    onsets = np.column_stack([at, height])[np.concatenate([np.ones(30, bool), near])]
    hit = np.abs(onsets[:, :1] - truth).min(axis=1) < 0.5
    order = np.argsort(-onsets[:, 1])
    got = blocks(hit[order]).average_precision(np.ones((1, N_BLOCKS)))[0]
    assert got == pytest.approx(average_precision(onsets, truth, 0.5))


def test_equal_networks_have_no_change_and_better_ones_a_gain():
    poor, good = blocks([False, True] * 20), blocks([True] * 20 + [False] * 20)
    same = _scores([poor, poor])
    assert same["change"] == 0 and same["change 95%"] == [0, 0]
    better = _scores([poor, good])
    assert better["change"] > 0 and better["change 95%"][0] > 0


def test_labels_are_taken_from_the_spans():
    kept = _within({"A": {"P": np.array([1.0, 5, 9]), "S": np.zeros(0)}}, [(0, 2), (5, 9)])
    assert kept["A"]["P"].tolist() == [1, 5]
    assert not len(kept["A"]["S"])


def test_a_kept_loss_is_a_finding():
    row = {"data": "d", "parent": "p", "phase": "P", "decision": "kept", "change": -0.05}
    assert any(finding.startswith("MISSED: 1 of 1 kept phases") for finding in _findings([row], []))
    refused = row | {"decision": "refused", "change": 0.2}
    assert "refused in spite of a gain of 0.05 or more: 1 phases" in _findings([refused], [])
