"""Verdict on held-out data: comparison of the chosen prior with a baseline and with the null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from selfseis.inversion.cross_validation import HeldOut
from selfseis.inversion.options import EvaluationOptions
from selfseis.inversion.problem import LinearProblem
from selfseis.validation import Verdict, judge


def chosen(heldouts: Sequence[HeldOut], name: str = "chosen by inner folds") -> HeldOut:
    """Select in every fold the prior with the lowest loss on the inner folds.

    Parameters
    ----------
    heldouts : sequence of HeldOut
        Several priors on the same folds.
    name : str

    Returns
    -------
    HeldOut
        Its settings hold the position of the prior under ``prior``.
    """
    first = heldouts[0]
    result = replace(
        first, name=name, predicted=first.predicted.copy(), sd=first.sd.copy(), settings=[], inner_losses=[]
    )
    for fold in range(len(first.inner_losses)):
        best = int(np.argmin([heldout.inner_losses[fold] for heldout in heldouts]))
        rows = first.fold == fold
        result.predicted[rows] = heldouts[best].predicted[rows]
        result.sd[rows] = heldouts[best].sd[rows]
        result.settings.append({"prior": float(best)} | heldouts[best].settings[fold])
        result.inner_losses.append(heldouts[best].inner_losses[fold])
    return result


def evaluate_priors(
    task: str,
    method: HeldOut,
    baseline: HeldOut,
    null: HeldOut,
    others: Sequence[HeldOut] = (),
    *,
    seed: int = 0,
    more: str = "more data",
    options: EvaluationOptions = EvaluationOptions(),
) -> Verdict:
    """Compare the chosen prior with a baseline and with the null, by a paired bootstrap over held-out blocks.

    Parameters
    ----------
    task : str
    method, baseline, null : HeldOut
        On the same blocks.
    others : sequence of HeldOut
        Further priors for the table in the details.
    seed : int
    more : str
        What would narrow the intervals, in words.
    options : EvaluationOptions
        Minimum gain and error rate.

    Returns
    -------
    Verdict
    """
    return judge(
        task,
        method.block_scores(),
        baseline.block_scores(),
        null.block_scores(),
        baseline_name=baseline.name,
        null_name=null.name,
        min_gain=options.min_gain,
        error_rate=options.error_rate,
        seed=seed,
        more=more,
        details={"priors": [prior_row(heldout) for heldout in (method, *others, baseline, null)]},
    )


def prior_row(heldout: HeldOut) -> dict[str, object]:
    """Return the scores of one prior on held-out data, for JSON."""
    kinds = sorted(set(heldout.kind[heldout.rows()].tolist()))
    return {
        "name": heldout.name,
        "skill": heldout.block_scores().skill,
        "normalised_rms": heldout.normalised_rms(),
        "standardised_rms": heldout.standardised_rms(),
        "coverage_68": heldout.coverage(),
        "kinds": {
            kind: {
                "variance_reduction": heldout.variance_reduction(kind),
                "rms": heldout.rms(kind),
                "normalised_rms": heldout.normalised_rms(kind),
                "standardised_rms": heldout.standardised_rms(kind),
                "coverage_68": heldout.coverage(kind=kind),
                "n": int(heldout.rows(kind).sum()),
            }
            for kind in kinds
        },
    }


def shuffled(problem: LinearProblem, rng: np.random.Generator) -> LinearProblem:
    """Return the problem with the data of each type shuffled at random, as a null.

    Parameters
    ----------
    problem : LinearProblem
    rng : numpy.random.Generator
    """
    data = problem.data.copy()
    for kind in problem.noise.kinds:
        rows = np.flatnonzero(problem.noise.kind == kind)
        data[rows] = data[rng.permutation(rows)]
    return problem.with_data(data)
