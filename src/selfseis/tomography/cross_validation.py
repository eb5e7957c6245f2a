"""Cross-validation of a tomography: held-out events, stations or regions, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from selfseis.inversion import HeldOut, chosen
from selfseis.inversion.cross_validation import NO_TERMS, hold_out_terms
from selfseis.inversion.evaluate import prior_row
from selfseis.inversion.term_fit import SearchedPrior, TermProblem
from selfseis.tomography.forward import Traced
from selfseis.tomography.options import TomographyOptions
from selfseis.tomography.problem import BlockKind, term_problem
from selfseis.typing import BoolArray, FloatArray, IntArray
from selfseis.validation import BlockScores, Verdict, judge

ProgressCallback = Callable[[float, float], None]
BASELINE = "event and station terms"
SHUFFLED_RAYS = "null with shuffled rays"
NOTHING = "event terms alone"
PLURAL = {"event": "events", "station": "stations", "region": "source regions"}
MEASURE = "variance explained on held-out {}, beyond their event terms (outliers count as {:g} sd)"


@dataclass(frozen=True)
class Validation:
    """Scores and verdict for one kind of held-out blocks.

    Attributes
    ----------
    held_out : {"event", "station", "region"}
    verdict : Verdict
    method, null : HeldOut
        Prior chosen by inner folds, and event and station terms alone.
    priors : list of HeldOut
        Held-out data under every prior.
    """

    held_out: BlockKind
    verdict: Verdict
    method: HeldOut
    null: HeldOut
    priors: list[HeldOut]

    def to_frame(self, arrivals: pd.DataFrame) -> pd.DataFrame:
        """Return the held-out arrivals with their residuals, for ``heldout.csv``."""
        rows = np.flatnonzero(self.method.rows() & self.null.rows())
        some = arrivals.iloc[rows]
        left = {
            "left_s": self.method.observed - self.method.predicted,
            "left_null_s": self.null.observed - self.null.predicted,
            "sd_s": self.method.sd,
            "residual_s": self.method.observed,
        }
        return pd.DataFrame(
            {
                "held_out": self.held_out,
                "fold": self.method.fold[rows],
                "event_id": some["event_id"].to_numpy(),
                "station": some["station"].to_numpy(),
                "phase": some["phase"].to_numpy(),
                **{name: np.round(values[rows], 4) for name, values in left.items()},
            }
        )

    def chosen_in_folds(self) -> dict[str, int]:
        """Return the number of folds whose inner folds chose each prior."""
        places = [int(setting.get("prior", 0)) for setting in self.method.settings]
        return {prior.name: places.count(place) for place, prior in enumerate(self.priors)}

    def summary(self) -> dict[str, Any]:
        """Return scores of every prior and of the null, for ``summary.json``."""
        return {
            "verdict": self.verdict.outcome,
            "reason": self.verdict.reason,
            "n_blocks": self.verdict.n_blocks,
            "gain": None if self.verdict.gain is None else self.verdict.gain.to_dict(),
            "priors": self.verdict.details["priors"],
            "settings": self.method.settings,
            "chosen_in_folds": self.chosen_in_folds(),
        }


def validate(
    traced: Traced,
    held_out: BlockKind,
    priors: Sequence[SearchedPrior],
    *,
    is_global: bool,
    n_folds: int = 5,
    n_inner: int = 2,
    seed: int = 0,
    options: TomographyOptions = TomographyOptions(),
    progress: ProgressCallback | None = None,
) -> Validation:
    """Cross-validate every prior, the tuned null and the null with shuffled rays on the same blocks.

    Parameters
    ----------
    traced : Traced
    held_out : {"event", "station", "region"}
    priors : sequence of SearchedPrior
    is_global : bool
    n_folds, n_inner, seed : int
    options : TomographyOptions
        Terms, blocks and scores.
    progress : callable, optional

    Returns
    -------
    Validation
    """
    terms = term_problem(traced, held_out, is_global=is_global, seed=seed, options=options)
    n_runs = len(priors) + 3

    def reported(run: int) -> ProgressCallback | None:
        return None if progress is None else lambda done, of: progress(run + done / of, n_runs)

    folds: dict[str, Any] = {"n_folds": n_folds, "n_inner": n_inner, "seed": seed}
    null = hold_out_terms(terms, None, name=BASELINE, progress=reported(0), **folds)
    found = [
        hold_out_terms(terms, prior, name=prior.name, progress=reported(1 + run), **folds)
        for run, prior in enumerate(priors)
    ]
    method = found[0] if len(found) == 1 else chosen(found, "chosen by inner folds")
    by_fold = list(found[0].settings)
    fast: dict[str, Any] = {"n_folds": n_folds, "n_samples": 0, "seed": seed}
    shuffled = hold_out_terms(
        terms, priors[0], name=SHUFFLED_RAYS, settings=by_fold, under_null=True,
        progress=reported(1 + len(priors)), **fast,
    )  # fmt: skip
    bare = hold_out_terms(
        terms, None, name=NOTHING, settings=[{"terms": NO_TERMS}] * len(by_fold),
        progress=reported(2 + len(priors)), **fast,
    )  # fmt: skip
    verdict = _evaluate(terms, held_out, method, null, shuffled, bare, found, seed, options)
    return Validation(held_out, verdict, method, null, found)


def _evaluate(
    terms: TermProblem,
    held_out: BlockKind,
    method: HeldOut,
    null: HeldOut,
    shuffled: HeldOut,
    bare: HeldOut,
    priors: Sequence[HeldOut],
    seed: int,
    options: TomographyOptions,
) -> Verdict:
    rows = method.rows() & null.rows() & shuffled.rows() & bare.rows()
    scale = _robust_scale(null, rows)
    block = np.unique(terms.problem.blocks[rows], return_inverse=True)[1]
    cut = options.held_out.max_residual_sd
    scores = [_scores(one, bare, rows, scale, block, cut) for one in (method, null, shuffled)]
    table = [prior_row(one) for one in (*priors, null, bare)]
    return judge(
        "tomography",
        *scores,
        baseline_name=BASELINE,
        null_name=SHUFFLED_RAYS,
        measure=MEASURE.format(PLURAL[held_out], cut),
        min_gain=options.inversion.evaluation.min_gain,
        error_rate=options.inversion.evaluation.error_rate,
        seed=seed,
        more=f"a longer bulletin with more {PLURAL[held_out]}",
        details={"held_out": held_out, "priors": table},
    )


def _robust_scale(null: HeldOut, rows: BoolArray) -> FloatArray:
    """Return for each datum the robust standard deviation of the residuals of its type under the null."""
    left = null.observed - null.predicted
    scale = np.ones(len(left))
    for kind in np.unique(null.kind[rows]):
        same = rows & (null.kind == kind)
        spread = 1.4826 * np.median(np.abs(left[same] - np.median(left[same])))
        scale[null.kind == kind] = max(float(spread), 1e-6)
    return scale


def _scores(
    one: HeldOut, bare: HeldOut, rows: BoolArray, scale: FloatArray, block: IntArray, cut: float
) -> BlockScores:
    """Return squared residuals with and without structure, block by block; outliers count as `cut`."""
    losses = [
        np.bincount(block, np.clip((held.observed - held.predicted) / scale, -cut, cut)[rows] ** 2)
        for held in (one, bare)
    ]
    return BlockScores(*(np.asarray(loss, float) for loss in losses))
