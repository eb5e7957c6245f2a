"""Linear inversion evaluated on held-out data: operator, noise, priors, fit, nested cross-validation, verdict.

The package handles matrices and graphs and contains no seismology. `LinearProblem` holds the data and the linear
operator. A prior defines which models are plausible: `LaplacianPrior`, `MaternPrior`, `NeuralPrior`, `SubspacePrior`,
or `NullPrior` without any model. `fit_model` combines the two. `nested_holdout` holds out blocks of the data, chooses
every setting without them and predicts them. `evaluate_priors` compares these predictions with the null.
`oracle_limit` measures the best correlation that the geometry of the data allows.
"""

from __future__ import annotations

from selfseis.inversion.cross_validation import HeldOut, joined, nested_holdout
from selfseis.inversion.evaluate import chosen, evaluate_priors, prior_row, shuffled
from selfseis.inversion.fit import Fitted, fit_model
from selfseis.inversion.hyperparameters import Choice, Training, blocked_folds, choose_setting
from selfseis.inversion.mesh_graph import Graph
from selfseis.inversion.neural_field_prior import NeuralPrior
from selfseis.inversion.posterior import Root
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
