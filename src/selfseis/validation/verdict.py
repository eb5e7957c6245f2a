"""The verdict: a comparison of a method with a simple baseline and with the null, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np

from selfseis.validation.scores import BlockScores, Interval, bootstrap_skill, interval

Outcome = Literal["works", "no_gain", "cannot_tell"]
MIN_BLOCKS = 8  # with fewer, the interval of a bootstrap says little


@dataclass(frozen=True)
class Verdict:
    """The outcome of a method on held-out data.

    Attributes
    ----------
    task : str
        Name of the task: ``denoise``, ``detect``, ...
    outcome : {"works", "no_gain", "cannot_tell"}
        The outcome; the key in ``verdict.json`` is ``verdict``.
    reason : str
        Reason of the outcome, in a sentence.
    measure : str
        Definition of skill for this task.
    skill, baseline, null : Interval or None
        Skill on held-out data of the method, of the baseline and of the null; None if it could not be measured.
    baseline_name, null_name : str
        Short descriptions of the baseline and of the null.
    gain : Interval or None
        Skill of the method minus that of the baseline, block by block.
    n_blocks : int
        Number of held-out blocks behind the intervals.
    error_rate : float
        Probability of *works* for a method that is not better than its baseline.
    details : dict
        Further numbers, written to JSON.

    Examples
    --------
    >>> from selfseis import Verdict
    >>> print(Verdict.undecided("denoise", "The recording is too short."))
    denoise: cannot tell. The recording is too short.
    """

    task: str
    outcome: Outcome
    reason: str
    measure: str = "variance explained on held-out data"
    skill: Interval | None = None
    baseline: Interval | None = None
    null: Interval | None = None
    baseline_name: str = "baseline"
    null_name: str = "null"
    gain: Interval | None = None
    n_blocks: int = 0
    error_rate: float = 0.05
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def undecided(cls, task: str, reason: str, **known: Any) -> Self:
        """Return *cannot tell*, with the reason."""
        return cls(task, "cannot_tell", reason, **known)

    @classmethod
    def all_training_data(cls, task: str, details: dict[str, Any] | None = None) -> Self:
        """Return *cannot tell*: all data are training data of the model."""
        reason = "The model was trained on all of these times: evaluate other times, or a longer record."
        return cls.undecided(task, reason, details={"training_share": 1.0} | (details or {}))

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as a dictionary for ``verdict.json``."""
        return {
            "task": self.task,
            "verdict": self.outcome,
            "reason": self.reason,
            "measure": self.measure,
            "skill": _numbers(self.skill),
            "baseline": {"name": self.baseline_name, **_numbers(self.baseline)},
            "null": {"name": self.null_name, **_numbers(self.null)},
            "gain": _numbers(self.gain),
            "n_blocks": self.n_blocks,
            "error_rate": self.error_rate,
            "details": self.details,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the verdict of a dictionary from `to_dict`."""
        return cls(
            values["task"],
            values["verdict"],
            values["reason"],
            measure=values["measure"],
            skill=_interval(values["skill"]),
            baseline=_interval(values["baseline"]),
            null=_interval(values["null"]),
            baseline_name=values["baseline"]["name"],
            null_name=values["null"]["name"],
            gain=_interval(values["gain"]),
            n_blocks=values["n_blocks"],
            error_rate=values["error_rate"],
            details=values["details"],
        )

    def __str__(self) -> str:
        words = {"works": "works", "no_gain": "no gain over the baseline", "cannot_tell": "cannot tell"}
        return f"{self.task}: {words[self.outcome]}. {self.reason}"


def _numbers(value: Interval | None) -> dict[str, float | None]:
    return {"value": None, "low": None, "high": None} if value is None else dict(value.to_dict())


def _interval(values: dict[str, Any]) -> Interval | None:
    return None if values["value"] is None else Interval(values["value"], values["low"], values["high"])


def judge(
    task: str,
    method: BlockScores,
    baseline: BlockScores,
    null: BlockScores,
    *,
    baseline_name: str,
    null_name: str,
    measure: str = "variance explained on held-out data",
    min_gain: float = 0.01,
    error_rate: float = 0.05,
    min_blocks: int = MIN_BLOCKS,
    seed: int = 0,
    more: str = "a longer record",
    details: dict[str, Any] | None = None,
) -> Verdict:
    """Compare a method with its baseline and with the null on the same held-out blocks.

    Three intervals count: the skill, the gain over the baseline and the gain over the null. *no gain* needs the upper
    end of one of them below `min_gain`: a gain too small to matter is not a gain, however certain it is. *works*
    needs all three lower ends above zero. All other cases, and fewer than `min_blocks` blocks, give *cannot tell*.

    Parameters
    ----------
    task : str
        Name of the task.
    method, baseline, null : BlockScores
        Scores on the same blocks.
    baseline_name, null_name : str
        Short descriptions of the baseline and of the null.
    measure : str
        Definition of skill for this task.
    min_gain : float
        Smallest gain that matters to a user: *no gain* if the skill, the gain over the baseline or the gain over the
        null is certainly below it, that is, in the upper end of its interval. *works* does not require this size.
    error_rate : float
        Error probability per one-sided comparison.
    min_blocks : int
        Minimum number of held-out blocks.
    seed : int
        Seed of the bootstrap.
    more : str
        What would narrow the intervals, in words.
    details : dict, optional
        Further numbers for the verdict.

    Returns
    -------
    Verdict
    """
    n_blocks = len(method.loss)
    known: dict[str, Any] = {
        "measure": measure,
        "baseline_name": baseline_name,
        "null_name": null_name,
        "n_blocks": n_blocks,
        "error_rate": error_rate,
        "details": details or {},
    }
    if n_blocks < min_blocks:
        blocks = "1 held-out block" if n_blocks == 1 else f"{n_blocks} held-out blocks"
        reason = f"Only {blocks} could be scored; {min_blocks} are needed: give {more}."
        return Verdict.undecided(task, reason, **known)
    if not all(np.isfinite(s.loss).all() and np.isfinite(s.power).all() for s in (method, baseline, null)):
        return Verdict.undecided(task, "A score is not a finite number: check the input for NaN.", **known)
    if method.power.sum() <= 0:
        return Verdict.undecided(
            task, "The held-out data contain no signal: they are zero throughout.", **known
        )

    draws = bootstrap_skill([method, baseline, null], np.random.default_rng(seed))

    def with_interval(sample: np.ndarray, value: float, max_value: float = np.inf) -> Interval:
        return interval(sample, value, n_blocks, error_rate, max_value=max_value)

    values = [method.skill, baseline.skill, null.skill]
    skill_, base, null_interval = (with_interval(d, v, 1.0) for d, v in zip(draws, values, strict=True))
    gain = with_interval(draws[0] - draws[1], values[0] - values[1])
    above_null = with_interval(draws[0] - draws[2], values[0] - values[2])
    outcome = _outcome(skill_, gain, above_null, min_gain)
    reason = _reason(outcome, skill_, base, baseline_name, gain, above_null, min_gain, more)
    return Verdict(task, outcome, reason, skill=skill_, baseline=base, null=null_interval, gain=gain, **known)


def _outcome(skill_: Interval, gain: Interval, above_null: Interval, min_gain: float) -> Outcome:
    tests = (skill_, gain, above_null)
    if any(t.high < min_gain for t in tests):
        return "no_gain"
    return "works" if all(t.low > 0 for t in tests) else "cannot_tell"


def _reason(
    outcome: Outcome,
    skill_: Interval,
    base: Interval,
    baseline_name: str,
    gain: Interval,
    above_null: Interval,
    min_gain: float,
    more: str,
) -> str:
    numbers = f"skill {skill_} against {base} of the {baseline_name}"
    if outcome == "works":
        return f"Better than the {baseline_name} and than the null: {numbers}."
    if outcome == "cannot_tell":
        return f"The interval is too wide for a decision, so give {more}: {numbers}; gain {gain}."
    if skill_.high < min_gain or above_null.high < min_gain:
        if min(skill_.low, above_null.low) > 0:
            return f"Little beyond the null could be predicted, less than {min_gain:g}: {numbers}."
        return f"Nothing beyond the null could be predicted: {numbers}."
    return f"Not better than the simple baseline: {numbers}."
