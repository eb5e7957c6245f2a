"""The benchmark of the order of pickers: correlation within sets of data, and wrong statements."""

from __future__ import annotations

import pytest
from benchmarks.picking_order import false_orders, order_correlation

RANKS = [1, 1, 3, 4]


def rows(truth: list[float], agreement: list[float], data: str = "a") -> list[dict[str, object]]:
    return [
        {"data": data, "phase": "P", "average precision": true, "agreement": agreed, "rank": rank}
        for true, agreed, rank in zip(truth, agreement, RANKS, strict=True)
    ]


def test_the_same_order_correlates_within_each_set_whatever_its_level() -> None:
    both = rows([0.9, 0.8, 0.5, 0.1], [0.5, 0.4, 0.3, 0.2]) + rows(
        [0.09, 0.08, 0.05, 0.01], [4, 3, 2, 1], "b"
    )
    found = order_correlation(both, "agreement")
    assert found["Spearman, mean"] == pytest.approx(1) and found["pairs"] == 8
    opposite = order_correlation(rows([0.1, 0.2, 0.3, 0.4], [4, 3, 2, 1]), "agreement")
    assert opposite["Spearman, mean"] == pytest.approx(-1)


def test_a_sign_that_is_missing_or_constant_gives_no_correlation() -> None:
    assert order_correlation(rows([0.1, 0.2, 0.3, 0.4], [1, 1, 1, 1]), "agreement") == {"sign": "agreement"}
    assert order_correlation(rows([0.1, 0.2, 0.3, 0.4], [None] * 4), "agreement") == {"sign": "agreement"}  # type: ignore[list-item]


def test_only_statements_that_labels_contradict_are_wrong() -> None:
    found = false_orders(rows([0.9, 0.5, 0.7, 0.1], [4, 3, 2, 1]))
    assert found == {"pairs": 6, "best above another": 4, "labels say the opposite": 1}
