"""Linear inversion judged on hidden data: operator, noise, priors, fit, blocked hold-out, verdict.

Knows matrices and graphs, no seismology. `LinearProblem` holds what was measured and how it depends on the model; a
prior says what models are plausible (`LaplacianPrior`, `MaternPrior`, `NeuralPrior`, `SubspacePrior`, or `NullPrior`:
no model at all); `fit_model` combines the two; `nested_holdout` hides blocks of the data, chooses every setting
without them and predicts them; `evaluate_priors` says in words whether that was better than the null; `oracle_limit`
says what this geometry could tell at best.
"""

from __future__ import annotations

from selfseis.inversion.cross_validation import HeldOut, joined, nested_holdout
from selfseis.inversion.evaluate import chosen, evaluate_priors, prior_row, shuffled
from selfseis.inversion.fit import Fitted, fit_model
from selfseis.inversion.hyperparameters import Choice, Training, blocked_folds, choose_setting
from selfseis.inversion.mesh_graph import Graph
from selfseis.inversion.neural_field_prior import NeuralPrior
from selfseis.inversion.precision_root import Root
from selfseis.inversion.priors import (
    GaussianPrior,
    LaplacianPrior,
    MaternPrior,
    NullPrior,
    Prior,
    SubspacePrior,
)
from selfseis.inversion.problem import LinearProblem, Noise
from selfseis.inversion.resolution import Oracle, oracle_limit, resolution_diagonal
from selfseis.inversion.whitened_system import System

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
    "evaluate_priors",
    "fit_model",
    "joined",
    "nested_holdout",
    "oracle_limit",
    "prior_row",
    "resolution_diagonal",
    "shuffled",
]
