"""A verdict holds only if types of data do not contradict each other."""

from __future__ import annotations

import re

import pytest

from selfseis.slip import SlipOptions
from selfseis.slip.leave_one_type_out import HeldOutType, capped_verdict
from selfseis.slip.sign_check import SignCheck
from selfseis.validation import Interval, Verdict

WORKS = Verdict("slip", "works", "Better than uniform slip.", skill=Interval(0.9, 0.8, 0.95))


def held_out(kind: str, value: float) -> HeldOutType:
    return HeldOutType(
        kind, ["gnss"], Interval(value, value - 0.2, value + 0.2), 0.0, 0.01, 50, "cannot tell"
    )


def check(correlation: float, compared_with: str = "GNSS") -> SignCheck:
    return SignCheck("asc", correlation, False, compared_with, "")


@pytest.mark.parametrize(
    ("types", "checks", "words"),
    [
        ([held_out("insar asc", -1.04)], [check(0.9)], "scene asc has a skill of -1.04"),
        (
            [held_out("insar asc", 0.5)],
            [check(0.06)],
            r"correlates with the prediction from GNSS by \+0.06 only",
        ),
        (
            [held_out("gnss", -0.1), held_out("insar asc", -0.2)],
            [],
            "GNSS has a skill of -0.10 and scene asc",
        ),
    ],
)
def test_contradicting_types_of_data_cap_the_verdict(
    types: list[HeldOutType], checks: list[SignCheck], words: str
) -> None:
    found = capped_verdict(WORKS, types, checks, SlipOptions().sign_check)
    assert found.outcome == "cannot_tell" and found.skill == WORKS.skill
    assert re.search(words, found.reason)


def test_types_that_agree_or_cannot_be_compared_do_not() -> None:
    agreeing = [held_out("insar asc", 0.4)], [check(0.8), check(-0.9), check(float("nan"), "nothing")]
    assert capped_verdict(WORKS, *agreeing, SlipOptions().sign_check) is WORKS
    assert capped_verdict(WORKS, [], [], SlipOptions().sign_check) is WORKS
    lost = Verdict("slip", "no_gain", "Not better.")
    assert capped_verdict(lost, [held_out("gnss", -3)], [], SlipOptions().sign_check) is lost
