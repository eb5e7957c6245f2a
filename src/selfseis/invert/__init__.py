"""Linear inversion judged on hidden data: operator, noise, priors, fit, blocked hold-out, verdict.

Knows matrices and graphs, no seismology. `LinearProblem` holds what was measured and how it depends on the model; a
prior says what models are plausible (`LaplacianPrior`, `MaternPrior`, `NeuralPrior`, `SubspacePrior`, or `NullPrior`:
no model at all); `fit_model` combines the two; `nested_holdout` hides blocks of the data, chooses every setting
without them and predicts them; `judge_priors` says in words whether that was better than the null; `oracle_limit`
says what this geometry could tell at best.
"""

from __future__ import annotations

from selfseis.invert.choice import Choice, Training, blocked_folds, choose_setting
from selfseis.invert.fit import Fitted, fit_model
from selfseis.invert.graph import Graph
from selfseis.invert.holdout import HeldOut, joined, nested_holdout
from selfseis.invert.judging import chosen, judge_priors, prior_row, shuffled
from selfseis.invert.neural import NeuralPrior
from selfseis.invert.oracle import Oracle, oracle_limit, resolution_diagonal
from selfseis.invert.priors import GaussianPrior, LaplacianPrior, MaternPrior, NullPrior, Prior, Root
from selfseis.invert.problem import LinearProblem, Noise
from selfseis.invert.subspace import SubspacePrior
from selfseis.invert.system import System

__all__ = [
    "Choice",
    "Fitted",
    "GaussianPrior",
    "Graph",
    "HeldOut",
    "LaplacianPrior",
    "LinearProblem",
    "MaternPrior",
    "NeuralPrior",
    "Noise",
    "NullPrior",
    "Oracle",
    "Prior",
    "Root",
    "SubspacePrior",
    "System",
    "Training",
    "blocked_folds",
    "choose_setting",
    "chosen",
    "fit_model",
    "joined",
    "judge_priors",
    "nested_holdout",
    "oracle_limit",
    "prior_row",
    "resolution_diagonal",
    "shuffled",
]
