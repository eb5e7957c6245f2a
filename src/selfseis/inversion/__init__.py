"""Linear inversion evaluated on held-out data: operator, noise, priors, fit, nested cross-validation, verdict.

The package handles matrices and graphs and contains no seismology. `LinearProblem` holds the data and the linear
operator. A prior defines which models are plausible: `LaplacianPrior`, `MaternPrior`, `NeuralPrior`, `SubspacePrior`,
or `NullPrior` without any model. `fit_model` combines the two. `nested_holdout` holds out blocks of the data, chooses
every setting without them and predicts them. `evaluate_priors` compares these predictions with the null.
`oracle_limit` measures the best correlation that the geometry of the data allows.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from selfseis.inversion.options import InversionOptions

if TYPE_CHECKING:
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
    "InversionOptions",
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

_MODULES = {
    "blocked_folds": "selfseis.inversion.hyperparameters",
    "Choice": "selfseis.inversion.hyperparameters",
    "choose_setting": "selfseis.inversion.hyperparameters",
    "chosen": "selfseis.inversion.evaluate",
    "evaluate_priors": "selfseis.inversion.evaluate",
    "fit_model": "selfseis.inversion.fit",
    "Fitted": "selfseis.inversion.fit",
    "GaussianPrior": "selfseis.inversion.priors",
    "Graph": "selfseis.inversion.mesh_graph",
    "HeldOut": "selfseis.inversion.cross_validation",
    "joined": "selfseis.inversion.cross_validation",
    "LaplacianPrior": "selfseis.inversion.priors",
    "LinearProblem": "selfseis.inversion.problem",
    "MaternPrior": "selfseis.inversion.priors",
    "nested_holdout": "selfseis.inversion.cross_validation",
    "NeuralPrior": "selfseis.inversion.neural_field_prior",
    "Noise": "selfseis.inversion.problem",
    "NullPrior": "selfseis.inversion.priors",
    "Oracle": "selfseis.inversion.resolution",
    "oracle_limit": "selfseis.inversion.resolution",
    "Prior": "selfseis.inversion.priors",
    "prior_row": "selfseis.inversion.evaluate",
    "resolution_diagonal": "selfseis.inversion.resolution",
    "Root": "selfseis.inversion.posterior",
    "shuffled": "selfseis.inversion.evaluate",
    "SubspacePrior": "selfseis.inversion.priors",
    "System": "selfseis.inversion.whitened_system",
    "Training": "selfseis.inversion.hyperparameters",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that the options load without SciPy."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
