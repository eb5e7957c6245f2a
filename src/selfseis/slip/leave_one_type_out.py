"""Leave-one-data-type-out: prediction of GNSS from the scenes, and of each scene from GNSS and other scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from selfseis.inversion import HeldOut, LinearProblem, Prior, joined, nested_holdout
from selfseis.inversion.cross_validation import Progress
from selfseis.inversion.options import EvaluationOptions
from selfseis.slip.options import BlockOptions, SignCheckOptions
from selfseis.slip.problem import GNSS, INSAR, without_ramp
from selfseis.slip.sign_check import SignCheck
from selfseis.typing import BoolArray, FloatArray
from selfseis.validation import Verdict
from selfseis.validation.scores import BlockScores, Interval, bootstrap_skill, interval


@dataclass(frozen=True)
class HeldOutType:
    """Skill of the prediction of one type of data from the others.

    Attributes
    ----------
    kind : str
        ``gnss`` or ``insar NAME``.
    predictors : list of str
        The types of data used for the prediction.
    skill : Interval
        Variance reduction without the ramp of a scene, with its interval over blocks of the map.
    uniform : float
        The same for uniform slip.
    rms_m : float
        Root mean square of the residuals in m.
    n : int
        Number of data.
    outcome : {"yes", "no", "cannot tell"}
        Whether the others predict it.
    """

    kind: str
    predictors: list[str]
    skill: Interval
    uniform: float
    rms_m: float
    n: int
    outcome: str


def hold_out_types(
    problem: LinearProblem,
    priors: Sequence[Prior],
    *,
    n_inner: int = 4,
    seed: int = 0,
    progress: Progress | None = None,
    options: BlockOptions = BlockOptions(),
) -> list[HeldOut]:
    """Hold out each type of data whole and predict it from the others, with all settings chosen without it.

    Only the shape of a held-out scene is scored. No other data constrain its ramp, which is fitted to its residuals.

    Parameters
    ----------
    problem : LinearProblem
        Result of `selfseis.slip.problem.slip_problem`.
    priors : sequence of Prior
    n_inner, seed : int
        As for `selfseis.inversion.cross_validation.nested_holdout`.
    progress : callable, optional
    options : BlockOptions

    Returns
    -------
    list of HeldOut
        One per prior with a fold per type; empty if no type can be predicted from others. A type stays visible
        if it lies in a single block of the map, or if the other types lie in too few blocks.
    """
    kinds = [kind for kind in problem.noise.kinds if _can_hold_out(problem, kind, options.min_other_blocks)]
    parts: list[list[HeldOut]] = []
    for number, kind in enumerate(kinds):
        held_out = problem.noise.kind == kind

        def reported(done: float, of: float, number: int = number) -> None:
            if progress is not None:
                progress(number + done / of, len(kinds))

        found = nested_holdout(
            _without_ramp(problem, held_out),
            priors,
            n_inner=n_inner,
            seed=seed,
            folds=[held_out],
            progress=reported,
        )
        parts.append([_with_own_ramp(one, problem, held_out) for one in found])
    return [joined(of_prior) for of_prior in zip(*parts, strict=True)]


def score_types(
    problem: LinearProblem, method: HeldOut, uniform: HeldOut, seed: int = 0
) -> list[HeldOutType]:
    """Score each type of data that was held out whole.

    Parameters
    ----------
    problem : LinearProblem
    method, uniform : HeldOut
        Chosen prior and uniform slip, from `hold_out_types`.
    seed : int
        Seed of the bootstrap.
    """
    options = problem.options.evaluation
    found = []
    for kind in sorted(set(method.kind[method.rows()].tolist())):
        rows = method.kind == kind
        scores = [_block_scores(problem, one, rows) for one in (method, uniform)]
        draws = bootstrap_skill(scores[:1], np.random.default_rng(seed))[0]
        skill = interval(draws, scores[0].skill, len(scores[0].loss), options.error_rate, max_value=1.0)
        found.append(
            HeldOutType(
                kind,
                [name for name in problem.noise.kinds if name != kind],
                skill,
                scores[1].skill,
                float(np.sqrt(np.mean((method.observed - method.predicted)[rows] ** 2))),
                int(rows.sum()),
                _outcome(skill, options),
            )
        )
    return found


def _outcome(skill: Interval, options: EvaluationOptions) -> str:
    if skill.low > 0:
        return "yes"
    return "no" if skill.high < options.min_gain else "cannot tell"


def capped_verdict(
    verdict: Verdict,
    types: Sequence[HeldOutType],
    checks: Sequence[SignCheck],
    options: SignCheckOptions,
) -> Verdict:
    """Return *cannot tell* instead of *works* where types of data contradict each other.

    Held-out blocks are predicted from data of all types around them, also where a whole scene is wrong. So a verdict
    holds only if no type is worse predicted by the others than by zero, and if no scene differs from GNSS in its
    pattern.

    Parameters
    ----------
    verdict : Verdict
        Verdict on held-out blocks.
    types : sequence of HeldOutType
        Result of `score_types`.
    checks : sequence of SignCheck
        Comparison of the scenes with GNSS.
    options : SignCheckOptions
        Smallest correlation of a scene with the prediction from GNSS.
    """
    if verdict.outcome != "works":
        return verdict
    doubts = [
        f"{_named(one.kind)} has a skill of {one.skill.value:.2f}" for one in types if one.skill.value < 0
    ]
    doubts += [
        f"scene {check.scene} correlates with the prediction from GNSS by {check.correlation:+.2f} only"
        for check in checks
        if check.compared_with == "GNSS" and abs(check.correlation) < options.min_correlation
    ]
    if not doubts:
        return verdict
    reason = (
        f"Held-out blocks are predicted (skill {verdict.skill}), but types of data contradict each other when one is "
        f"predicted from the others: {_listed(doubts)}. Check columns, units, signs and look vectors."
    )
    return replace(verdict, outcome="cannot_tell", reason=reason)


def summarise_types(types: Sequence[HeldOutType], kinds: Sequence[str]) -> str:
    """Return a sentence on the types of data that the others predict, and on those that they do not predict."""
    if len(kinds) < 2:
        return f"Only one type of data ({_named(kinds[0])}): no type could be predicted from others."
    groups = {
        outcome: [f"{_named(one.kind)} ({one.skill.value:.2f})" for one in types if one.outcome == outcome]
        for outcome in ("yes", "no", "cannot tell")
    }
    parts = [
        f"{words} {_listed(groups[outcome])}"
        for outcome, words in (("yes", "yes for"), ("no", "no for"), ("cannot tell", "undecided for"))
        if groups[outcome]
    ]
    if untried := sorted(set(kinds) - {one.kind for one in types}):
        names = _listed([_named(kind) for kind in untried])
        parts.append(f"not tested for {names}, because too few places would remain")
    return f"Each type of data predicted from the others (variance reduction): {'; '.join(parts)}."


def _named(kind: str) -> str:
    return "GNSS" if kind == GNSS else f"scene {kind.removeprefix(INSAR)}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _can_hold_out(problem: LinearProblem, kind: str, min_other_blocks: int) -> bool:
    own = problem.noise.kind == kind
    n_own, n_others = (len(np.unique(problem.blocks[rows])) for rows in (own, ~own))
    return n_others >= min_other_blocks and n_own > 1


def _without_ramp(problem: LinearProblem, held_out: BoolArray) -> LinearProblem:
    """Remove the ramp of held-out data from the problem, so that predictions contain the earthquake alone."""
    if problem.nuisance is None:
        return problem
    return replace(problem, nuisance=np.where(held_out[:, None], 0.0, problem.nuisance))


def _with_own_ramp(heldout: HeldOut, problem: LinearProblem, held_out: BoolArray) -> HeldOut:
    left = (heldout.observed - heldout.predicted)[held_out]
    predicted = heldout.predicted.copy()
    predicted[held_out] += left - _ramp_free(left, problem, held_out)
    return replace(heldout, predicted=predicted)


def _ramp_free(values: FloatArray, problem: LinearProblem, rows: BoolArray) -> FloatArray:
    """Remove the best-fitting ramp from data that have a ramp."""
    if problem.nuisance is None:
        return values
    return without_ramp(values, np.asarray(problem.nuisance[rows]))


def _block_scores(problem: LinearProblem, heldout: HeldOut, rows: BoolArray) -> BlockScores:
    names, place = np.unique(problem.blocks[rows], return_inverse=True)
    shape = _ramp_free(heldout.observed[rows], problem, rows)
    left = (heldout.observed - heldout.predicted)[rows]
    loss, power = (np.bincount(place, values**2, len(names)).astype(float) for values in (left, shape))
    return BlockScores(loss, power)
