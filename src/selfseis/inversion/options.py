"""Options of linear inversions: solvers, fits, cross-validation, neural field, priors and evaluation.

A `LinearProblem` holds the options by which it is solved (``LinearProblem(..., options=InversionOptions())``). All
functions of `selfseis.inversion` read them there, so that a problem is always solved in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.options import Options, option, option_group


@dataclass(frozen=True, kw_only=True)
class SolverOptions(Options):
    """Normal equations, conjugate gradients and non-negative least squares."""

    max_dense: int = option(3000, "unknowns", "judgement: larger normal matrices are not formed")
    cg_tolerance: float = option(1e-7, "1", "judgement: relative residual without a matrix")
    max_cg_steps: int = option(500, "steps", "judgement")
    sparse_tolerance: float = option(
        1e-3, "1", "judgement; its run time is in benchmarks/tomography_scale.py"
    )
    max_sparse_steps: int = option(
        250, "steps", "judgement; its run time is in benchmarks/tomography_scale.py"
    )
    max_swaps: int = option(200, "steps", "judgement: block principal pivoting ends earlier")
    swap_patience: int = option(3, "steps", "Kim and Park (2011), doi:10.1137/110821172")


@dataclass(frozen=True, kw_only=True)
class FitOptions(Options):
    """Noise scales and outlier weights, estimated together with the model."""

    max_rounds: int = option(4, "rounds", "judgement: noise scales have converged")
    min_change: float = option(
        0.05, "1", "judgement: logarithm of a noise scale; smaller changes end the rounds"
    )
    min_free_share: float = option(0.1, "share", "judgement: degrees of freedom left to the data of a type")
    min_free_share_of_terms: float = option(0.3, "share", "judgement: the same where only terms are counted")
    block_term_rounds: int = option(
        4, "rounds", "judgement: outlier weights of a held-out block have converged"
    )


@dataclass(frozen=True, kw_only=True)
class CrossValidationOptions(Options):
    """Choice of settings on inner folds, and search of settings axis by axis."""

    n_inner_samples: int = option(8, "draws", "judgement: width of intervals on inner folds")
    min_noise_share: float = option(
        0.1, "share", "judgement: data whose block terms fit more than 90% of any noise are not scored"
    )
    search_rounds: int = option(3, "rounds", "judgement: noise scales before a search")
    final_rounds: int = option(2, "rounds", "judgement: noise scales after a search")
    max_sweeps: int = option(2, "sweeps", "judgement: passes over all axes")
    max_searched: int = option(
        12_000, "data", "run time, benchmarks/tomography_scale.py; settings use random blocks"
    )
    term_factors: tuple[float, ...] = option(
        (0.3, 1.0, 3.0, 10.0),
        "1",
        "judgement: candidates for the factor on the prior sizes of searched terms",
    )


@dataclass(frozen=True, kw_only=True)
class NeuralFieldOptions(Options):
    """Network of a neural field, and its Gauss-Newton steps with dense or sparse data."""

    n_frequencies: int = option(24, "directions", "judgement: random Fourier features")
    width: int = option(48, "units", "judgement: units of each of the two layers")
    start: float = option(-1.0, "1", "judgement: output before the softplus with the initial weights")
    max_steps: int = option(6, "steps", "judgement: Gauss-Newton steps")
    max_halvings: int = option(4, "halvings", "judgement: of a step that does not lower the cost")
    min_gain: float = option(1e-3, "share", "judgement: share of the cost; smaller gains end the steps")
    max_sparse_steps: int = option(3, "steps", "judgement: Gauss-Newton steps with sparse data")
    max_sparse_halvings: int = option(3, "halvings", "judgement: of a step with sparse data")
    min_sparse_gain: float = option(0.01, "share", "judgement: share of the cost with sparse data")


@dataclass(frozen=True, kw_only=True)
class PriorOptions(Options):
    """Numerical constants of the Gaussian priors."""

    laplacian_damping: float = option(0.01, "1", "judgement: fixes the level, which differences leave free")


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions(Options):
    """Verdict on held-out data, resolution and oracle limit."""

    min_gain: float = option(0.01, "1", "judgement: minimum gain in skill that matters to a user")
    error_rate: float = option(0.05, "1", "convention: one-sided error probability of each comparison")
    n_oracle_samples: int = option(20, "draws", "judgement: coverage of each oracle fit")
    n_probes: int = option(
        20,
        "models",
        "judgement: random signs of Bekas, Kokiopoulou and Saad (2007), doi:10.1016/j.apnum.2007.01.003",
    )


@dataclass(frozen=True, kw_only=True)
class InversionOptions(Options):
    """Settings of a linear inversion, as `LinearProblem` holds them."""

    solvers: SolverOptions = option_group(SolverOptions)
    fit: FitOptions = option_group(FitOptions)
    cross_validation: CrossValidationOptions = option_group(CrossValidationOptions)
    neural_field: NeuralFieldOptions = option_group(NeuralFieldOptions)
    priors: PriorOptions = option_group(PriorOptions)
    evaluation: EvaluationOptions = option_group(EvaluationOptions)
