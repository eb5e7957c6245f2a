"""Numbers are written with the digits they deserve."""

from __future__ import annotations

import pytest

from selfseis.report import wording


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.6234, 0.581, 0.664, "0.62 (0.58 to 0.66)"),
        (-0.0004, -0.03, 0.04, "0.00 (−0.03 to 0.04)"),
        (12.34, 10.1, 15.2, "12 (10 to 15)"),
        (0.5, None, None, "0.5"),
        (0.5, 0.5, 0.5, "0.500 (0.500 to 0.500)"),
        (None, 0.1, 0.2, "not measured"),
    ],
)
def test_measured(value: float | None, low: float | None, high: float | None, text: str) -> None:
    assert wording.measured(value, low, high) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234.5, "1\u202f234"),
        (0.00012345, "1.23 × 10⁻⁴"),
        (-2.5, "−2.5"),
        (1e7, "1.00 × 10⁷"),
        (100.0, "100"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-12, "p = 10⁻¹²"),
        (2.1e-7, "p = 2.1 × 10⁻⁷"),
        (0.031, "p = 0.031"),
        (1.0, "p = 1"),
        (0.0, "p < 10⁻¹⁵"),
        (None, "p not given"),
    ],
)
def test_p_value(value: float | None, text: str) -> None:
    assert wording.p_value(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.52, "0.52 s"),
        (12.34, "12.3 s"),
        (59.99, "1 min"),
        (61.5, "1 min 2 s"),
        (3600, "1 h"),
        (9000, "2 h 30 min"),
        (864000, "10 days"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


def test_percent_is_whole_only_where_exact() -> None:
    assert [wording.percent(share) for share in (1, 0.99999, 0.972, 0.00001, 0)] == [
        "100%", "more than 99.9%", "97.2%", "less than 0.1%", "0%",
    ]  # fmt: skip


def test_no_structure_is_not_called_no_gain() -> None:
    found = {"task": "explore", "verdict": "no_gain", "baseline": {"name": "k-means"}}
    none = found | {"skill": {"value": None, "low": None, "high": None}}
    assert wording.verdict_sentence(none) == "Exploration finds no structure in these data."
    assert wording.verdict_word(none) == "No structure"
    compared = found | {"skill": {"value": 0.3, "low": 0.2, "high": 0.4}}
    assert wording.verdict_sentence(compared) == "Exploration brings no gain over the k-means."
    assert wording.verdict_word(compared) == wording.verdict_word(none | {"task": "denoise"}) == "No gain"
