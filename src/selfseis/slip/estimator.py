"""Estimator of slip on a fault, with settings and verdict from held-out data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from threadpoolctl import threadpool_limits

from selfseis.base import Estimator
from selfseis.errors import InputError
from selfseis.inversion import (
    Choice,
    Fitted,
    GaussianPrior,
    HeldOut,
    LinearProblem,
    Noise,
    Prior,
    Training,
    choose_setting,
    chosen,
    evaluate_priors,
    fit_model,
    nested_holdout,
    oracle_limit,
    resolution_diagonal,
)
from selfseis.inversion.cross_validation import Progress
from selfseis.quality_log import QualityLog
from selfseis.slip.fault import Fault, rake_basis
from selfseis.slip.gnss import Gnss
from selfseis.slip.insar import Insar
from selfseis.slip.leave_one_type_out import (
    HeldOutType,
    capped_verdict,
    hold_out_types,
    score_types,
    summarise_types,
)
from selfseis.slip.moment import doubtful_magnitude, magnitude_with_interval, moment_by_depth, rigidity_of
from selfseis.slip.options import SlipOptions
from selfseis.slip.patch_groups import MAX_PATCH_GROUPS, PatchGroups, check_size
from selfseis.slip.prepare import Unit, prepare
from selfseis.slip.priors import PRIORS, candidate, check_names, no_slip, smooth_prior, uniform_slip
from selfseis.slip.problem import slip_problem
from selfseis.slip.robust_noise import MeasuredNoise, NoiseModel, log_outliers
from selfseis.typing import BoolArray, FloatArray

Stage = Callable[[str], AbstractContextManager[Progress]]


@contextmanager
def _silent(name: str) -> Iterator[Progress]:
    """Return a stage without progress display."""
    yield lambda done, total: None


@dataclass(frozen=True)
class Slip:
    """Slip on every patch, as a vector whose rake is free within its limits.

    Attributes
    ----------
    amount : ndarray, shape (..., n_patches)
        In m.
    rake : ndarray, shape (..., n_patches)
        In degrees; the middle of the limits where nothing slips.
    """

    amount: FloatArray
    rake: FloatArray

    @classmethod
    def of(cls, model: FloatArray, patch_groups: PatchGroups) -> Slip:
        """Add up the directions of `rake_basis`; models have shape (..., n_model)."""
        fault = patch_groups.fault
        basis = rake_basis(fault)
        fields = patch_groups.spread(model.reshape(*model.shape[:-1], len(basis), len(patch_groups)))
        vector = np.einsum("...fp,fpc->...pc", fields, basis)
        amount = np.linalg.norm(vector, axis=-1)
        rake = np.degrees(np.arctan2(vector[..., 1], vector[..., 0]))
        return cls(amount, np.where(amount > 1e-9, rake, (fault.rake_min + fault.rake_max) / 2))


class SlipInversion(Estimator):
    """Invert GNSS and InSAR displacements for slip on a fault, and evaluate it on held-out data.

    Blocks of the map are held out with all data in them and predicted from the rest. Inner folds of the visible data
    choose every setting: smoothness, size and reach of slip, noise of each type of data, width of the intervals, and
    the prior itself. Then each type of data is held out whole and predicted from the others. The final slip model
    uses all data.

    Parameters
    ----------
    priors : sequence of str
        Priors to compare: ``laplacian``, ``positive-gp``, ``gp``, ``neural``.
    n_folds, n_inner : int
        Number of outer and inner folds.
    n_samples : int
        Draws from the posterior of the final model.
    patch_km : float, optional
        Size of the patches into which large rectangles of a GeoJSON fault are cut; by default about 200 patches.
    near_fault_km : float, optional
        Width of the mask on InSAR pixels along the surface trace; by default a quarter of a patch, 0 for none.
    rigidity_gpa : float, optional
        Rigidity for the moment; by default that of the layers of an ``.fsp`` fault or of ak135.
    check_sign : bool
        Whether to reverse scenes whose sign contradicts GNSS.
    noise_model : {"auto", "gaussian", "student"}
        Gaussian noise, or Student's t, under which outliers count less; by default held-out data choose.
    max_patches : int
        Maximum number of patch groups; neighbouring patches of finer faults are merged and slip as one.
    gnss_unit, insar_unit : {"m", "cm", "mm"}, optional
        Unit of the displacements and errors in tables; by default that of their headers, or metres where these are
        possible.
    n_oracle : int
        Number of models drawn from the prior to measure the best correlation that the geometry allows.
    seed : int
        Seed of all random numbers.
    options : SlipOptions
        Further settings: readers, fault, noise, priors, blocks, moment and solvers.

    Attributes
    ----------
    prepared_ : Prepared
        Fault, data and checks.
    quality_log_ : QualityLog
        Masks, corrections and assumptions.
    problem_ : LinearProblem
    heldouts_ : list of HeldOut
        Held-out data under each prior.
    chosen_ : HeldOut
        Held-out data under the prior that the inner folds chose.
    uniform_, null_ : HeldOut
        Held-out data under uniform slip and under ramps only.
    by_type_ : list of HeldOut
        The same with each type of data held out whole: chosen, every prior, uniform slip, ramps only; empty for
        a single type.
    types_ : list of HeldOutType
        Skill of the prediction of each type from the others.
    types_summary_ : str
        The same as a sentence.
    verdict_ : Verdict
    prior_, setting_ : Prior, dict
        Prior and setting of the final model.
    fitted_ : Fitted
    slip_, slip_samples_ : Slip
    slip_sd_, resolution_ : ndarray, shape (n_patches,)
        Resolution is 1 where the data determine the slip and 0 where the prior alone does.
    magnitude_ : Magnitude
    oracle_ : Oracle or None

    Examples
    --------
    >>> from selfseis import SlipInversion
    >>> inversion = SlipInversion().fit("static_data.json", ["ascending.txt"], "fault.geojson")  # doctest: +SKIP
    >>> print(inversion.verdict_)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        priors: Sequence[str] = PRIORS,
        n_folds: int = 8,
        n_inner: int = 5,
        n_samples: int = 200,
        patch_km: float | None = None,
        near_fault_km: float | None = None,
        rigidity_gpa: float | None = None,
        check_sign: bool = True,
        noise_model: NoiseModel = "auto",
        max_patches: int = MAX_PATCH_GROUPS,
        gnss_unit: Unit | None = None,
        insar_unit: Unit | None = None,
        n_oracle: int = 6,
        seed: int = 0,
        options: SlipOptions = SlipOptions(),
    ) -> None:
        self.priors = priors
        self.n_folds = n_folds
        self.n_inner = n_inner
        self.n_samples = n_samples
        self.patch_km = patch_km
        self.near_fault_km = near_fault_km
        self.rigidity_gpa = rigidity_gpa
        self.check_sign = check_sign
        self.noise_model = noise_model
        self.max_patches = max_patches
        self.gnss_unit = gnss_unit
        self.insar_unit = insar_unit
        self.n_oracle = n_oracle
        self.seed = seed
        self.options = options

    def fit(
        self,
        gnss: str | Path | Gnss | None,
        insar: Sequence[str | Path | Insar],
        fault: str | Path | Fault,
        *,
        stage: Stage = _silent,
    ) -> Self:
        """Read the data, cross-validate and invert.

        Parameters
        ----------
        gnss : path, Gnss or None
            Sites; see `selfseis.slip.gnss.read_gnss`.
        insar : sequence of path or Insar
            Scenes; see `selfseis.slip.insar.read_insar`.
        fault : path or Fault
            GeoJSON or ``.fsp``.
        stage : callable, optional
            Makes a context for each stage, given its name, that yields a progress callback.

        Raises
        ------
        InputError
            If the input cannot be used.
        """
        self.quality_log_ = QualityLog()
        check_names(self.priors)
        check_size(self.max_patches, self.options.inversion.solvers)
        # The matrices are small: more threads would only wait for each other.
        with threadpool_limits(1):
            with stage("read and check"):
                self.prepared_ = prepare(
                    gnss,
                    insar,
                    fault,
                    self.quality_log_,
                    patch_km=self.patch_km,
                    near_fault_km=self.near_fault_km,
                    check_sign=self.check_sign,
                    max_patches=self.max_patches,
                    gnss_unit=self.gnss_unit,
                    insar_unit=self.insar_unit,
                    options=self.options,
                )
                self.problem_ = slip_problem(
                    self.prepared_.patch_groups,
                    self.prepared_.observations,
                    noise_model=self.noise_model,
                    options=self.options,
                )
            with stage("hold out blocks") as progress:
                self._validate(progress)
            with stage("hold out types of data") as progress:
                self._hold_out_types(progress)
            with stage("slip of all data"):
                self._invert()
            with stage("limits of geometry"):
                self._describe()
        return self

    def _candidates(self) -> list[Prior]:
        return [candidate(name, self.prepared_.patch_groups, self.options) for name in self.priors]

    def _validate(self, progress: Progress) -> None:
        problem, min_blocks = self.problem_, self.options.blocks.min_blocks
        n_blocks = len(np.unique(problem.blocks))
        if n_blocks < min_blocks:
            raise InputError(
                f"at least {min_blocks} places are needed, got {n_blocks}: give more sites or scenes"
            )
        found = nested_holdout(
            problem, self._compared_priors(), n_folds=self.n_folds, n_inner=self.n_inner, seed=self.seed,
            progress=progress,
        )  # fmt: skip
        *self.heldouts_, self.uniform_, self.null_ = found
        self.chosen_ = self._chosen(found)
        self.verdict_ = evaluate_priors(
            "slip", self.chosen_, self.uniform_, self.null_, self.heldouts_, seed=self.seed,
            more="more sites or scenes around the fault", options=problem.options.evaluation,
        )  # fmt: skip

    def _hold_out_types(self, progress: Progress) -> None:
        problem = self.problem_
        found = hold_out_types(
            problem, self._compared_priors(), n_inner=self.n_inner, seed=self.seed, progress=progress,
            options=self.options.blocks,
        )  # fmt: skip
        self.by_type_: list[HeldOut] = [self._chosen(found), *found] if found else []
        self.types_: list[HeldOutType] = (
            score_types(problem, self.by_type_[0], self.by_type_[-2], self.seed) if found else []
        )
        self.types_summary_ = summarise_types(self.types_, problem.noise.kinds)
        checks, limits = self.prepared_.sign_checks, self.options.sign_check
        self.verdict_ = capped_verdict(self.verdict_, self.types_, checks, limits)

    def _compared_priors(self) -> list[Prior]:
        """Return all priors, uniform slip, and no slip."""
        uniform = uniform_slip(self.prepared_.patch_groups, self.options.priors)
        return [*self._candidates(), uniform, no_slip()]

    def _chosen(self, heldouts: Sequence[HeldOut]) -> HeldOut:
        """Select among the priors that keep the rake limits; the others are only compared."""
        candidates = self._candidates()
        return chosen([heldouts[n] for n, prior in enumerate(candidates) if _keeps_rake_limits(prior)])

    def _invert(self) -> None:
        everything = np.ones(self.problem_.n_data, bool)
        problem = self.final_problem_ = self.problem_.seen_through(everything)
        self.variograms_ = self._variograms(everything)
        training = Training(problem, everything, self.n_inner, self.seed)
        candidates = [prior for prior in self._candidates() if _keeps_rake_limits(prior)]
        choices = [choose_setting(training, prior, seed=self.seed) for prior in candidates]
        best = int(np.argmin([choice.loss for choice in choices]))
        self.prior_, self.choice_ = candidates[best], choices[best]
        self.setting_ = self.choice_.setting
        fitted = fit_model(
            problem, self.prior_, self.setting_, system=training.whole, scales=self.choice_.scales,
            n_samples=self.n_samples, seed=self.seed,
        )  # fmt: skip
        self.fitted_ = _widened(fitted, self.choice_)
        data = self.prepared_.observations
        weights, options = self.fitted_.weights, self.options.robust_noise
        log_outliers(data.kind, data.name, weights, self.quality_log_, options)

    def _variograms(self, everything: BoolArray) -> dict[str, Any]:
        measure = self.problem_.measure_noise
        assert isinstance(measure, MeasuredNoise)
        dof = self.final_problem_.noise.student_dof
        noise = replace(self.problem_.noise, student_dof=dof)
        return measure.insar.variograms(replace(self.problem_, noise=noise), everything)

    def _describe(self) -> None:
        fault, options = self.prepared_.fault, self.options.moment
        self.slip_ = Slip.of(self.fitted_.model, self.prepared_.patch_groups)
        self.slip_samples_ = Slip.of(self.fitted_.samples, self.prepared_.patch_groups)
        self.slip_sd_ = self.slip_samples_.amount.std(axis=0, ddof=1)
        constant = None if self.rigidity_gpa is None else 1e9 * self.rigidity_gpa
        self.rigidity_ = rigidity_of(fault, self.prepared_.layers, constant, options)
        self.magnitude_ = magnitude_with_interval(
            self.slip_.amount, self.slip_samples_.amount, fault, self.rigidity_, self.seed, options
        )
        if doubt := doubtful_magnitude(self.magnitude_.value, fault, options):
            self.quality_log_.add("implausible", "magnitude", doubt)
        self.moment_by_depth_ = moment_by_depth(
            self.slip_.amount, self.slip_samples_.amount, fault, self.rigidity_, options
        )
        predicted, _ = self.fitted_.predict(self.final_problem_, np.ones(self.problem_.n_data, bool))
        self.predicted_ = predicted
        self.resolution_, self.oracle_ = self._resolution_and_oracle()

    def _resolution_and_oracle(self) -> tuple[FloatArray, Any]:
        """Return resolution and oracle limit under the Gaussian prior of the final model, or under the smooth prior."""
        patch_groups, setting = self.prepared_.patch_groups, self.setting_
        prior = self.prior_ if isinstance(self.prior_, GaussianPrior) else None
        if prior is None:
            prior = smooth_prior(patch_groups, self.options)
            setting = prior.settings()[1]
        resolution = resolution_diagonal(self.final_problem_, prior, setting, scales=self.fitted_.scales)
        per_patch = patch_groups.spread(resolution.reshape(-1, len(patch_groups)).mean(axis=0))
        if not self.n_oracle:
            return per_patch, None
        scaled = _with_scaled_noise(self.final_problem_, self.fitted_)
        oracle = oracle_limit(scaled, prior, setting, n_draws=self.n_oracle, seed=self.seed)
        return per_patch, oracle


def _keeps_rake_limits(prior: Prior) -> bool:
    """Return whether a prior excludes backward slip; others are in the table and are never chosen."""
    return bool(getattr(prior, "nonnegative", False))


def _widened(fitted: Fitted, choice: Choice) -> Fitted:
    """Widen the draws by the factor of the inner folds, and keep them above zero."""
    factor = max(1.0, float(np.mean(list(choice.widening.values()))))
    spread = fitted.model + factor * (fitted.samples - fitted.model)
    return replace(fitted, samples=np.maximum(spread, 0))


def _with_scaled_noise(problem: LinearProblem, fitted: Fitted) -> LinearProblem:
    """Return the problem with the noise of the fit, so that simulated data have the noise of the real data."""
    noise = problem.noise
    scale = noise.of_kinds(fitted.scales)
    covariance = {kind: matrix * fitted.scales[kind] ** 2 for kind, matrix in noise.covariance.items()}
    return replace(problem, noise=Noise(noise.sd * scale, noise.kind, covariance))
