"""The explorer: unsupervised classes, similarity search and novelty ranking of the windows of a recording."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.errors import InputError
from selfseis.explore.background import Background, mean_of_known
from selfseis.explore.cluster_search import ClusterSolution, search_clusters
from selfseis.explore.clustering import Assigner, Labels, Method, check_method
from selfseis.explore.evaluate import TASK, evaluate_clusters, station_consensus
from selfseis.explore.explored import Explored, nearest_windows
from selfseis.explore.features import WindowTable, measure_windows
from selfseis.explore.model import STORAGE, ExplorerModel
from selfseis.explore.novelty import Novelty
from selfseis.explore.options import ExplorerOptions
from selfseis.explore.representation import FittedRepresentation, Representation, choose_representation
from selfseis.explore.surrogates import surrogate_features
from selfseis.explore.windows import Grid, ProgressCallback, Site, sites_of
from selfseis.models.store import StoredEstimator
from selfseis.recording import as_recording, is_fibre, sampling_rate, station_codes
from selfseis.recording.coverage import stretches
from selfseis.training import TrainingRecord
from selfseis.typing import Float32Array
from selfseis.validation import Verdict


class Explorer(StoredEstimator[ExplorerModel]):
    """Group the windows of a recording into stable classes, and rank windows by novelty.

    Windows are compared by their excess over the station's background noise: power in bands, its modulation in
    time, and direction. Classes are groups that held-out halves of the recording reproduce.

    Parameters
    ----------
    window : float, optional
        Length of a window in s; by default such that there are some thousands of windows.
    grouping : {"hdbscan", "gmm", "ward"}
        Clustering method. The last two also divide data without natural gaps.
    representation : {"auto", "scattering", "learned"}
        Coordinates in which windows are compared. *auto* keeps a learned encoder only where it is better on held-out
        windows.
    seed : int
        Seed of everything random.
    options : ExplorerOptions
        Further settings. A fitted explorer goes on using those of its fit.

    Attributes
    ----------
    model_ : ExplorerModel
        The fitted state; the attributes below are its parts.
    grid_ : Grid
        Length and sampling rate of the windows.
    background_ : Background
        Background of each station.
    representation_ : FittedRepresentation
        The coordinates in which windows are compared, and the cluster solutions that were tried; no solutions after
        loading.
    assigner_ : Assigner
        Assigns windows to classes.
    class_stability_ : dict of int to float
        Of each class: its overlap with its counterpart from held-out windows.
    novelty_ : Novelty
        Scores the novelty of windows.
    explored_ : Explored or None
        The windows of the training data; None after loading.
    n_windows_ : int
        Number of windows in the training data.
    training_record_ : TrainingRecord
        Times of the training data. All of them shaped the coordinates, so their only verdict is that of `fit`.
    verdict_ : Verdict
        On held-out halves of the training data.

    Examples
    --------
    >>> from selfseis import Explorer
    >>> from selfseis.simulate import simulate_noise_recording
    >>> noise = simulate_noise_recording("white", "network", 1 / 12, 20.0, 9, seed=2, components="ENZ")
    >>> explorer = Explorer(representation="scattering").fit(noise)
    >>> explorer.verdict_.outcome
    'no_gain'
    """

    model_format = STORAGE

    def __init__(
        self,
        *,
        window: float | None = None,
        grouping: Method = "hdbscan",
        representation: Representation = "auto",
        seed: int = 0,
        options: ExplorerOptions = ExplorerOptions(),
    ) -> None:
        self.window = window
        self.grouping = grouping
        self.representation = representation
        self.seed = seed
        self.options = options

    @property
    def grid_(self) -> Grid:
        """Length and sampling rate of the windows."""
        return self.model_.grid

    @property
    def background_(self) -> Background:
        """Background of each station."""
        return self.model_.background

    @property
    def representation_(self) -> FittedRepresentation:
        """The coordinates in which windows are compared."""
        return self.model_.representation

    @property
    def assigner_(self) -> Assigner:
        """Assigns windows to classes."""
        return self.model_.assigner

    @property
    def class_stability_(self) -> dict[int, float]:
        """Overlap of each class with its counterpart from held-out windows."""
        return self.model_.class_stability

    @property
    def novelty_(self) -> Novelty:
        """Scores the novelty of windows."""
        return self.model_.novelty

    @property
    def explored_(self) -> Explored | None:
        """The windows of the training data; None after loading."""
        return self.model_.explored

    @property
    def n_windows_(self) -> int:
        """Number of windows in the training data."""
        return self.model_.n_windows

    @property
    def training_record_(self) -> TrainingRecord:
        """Times of the training data."""
        return self.model_.training_record

    @property
    def verdict_(self) -> Verdict:
        """Verdict on held-out halves of the training data."""
        return self.model_.verdict

    def fit(self, recording: Any, *, progress: ProgressCallback | None = None) -> Self:
        """Find the classes of a recording and evaluate them on held-out windows.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording, in any form that `open_recording` takes.
        progress : callable, optional
            Called with the number of samples read and of all samples.

        Raises
        ------
        InputError
            If the recording is too short, has no window without a gap, or an argument is invalid.
        """
        check_method(self.grouping)
        recording, options = as_recording(recording), self.options
        grid = Grid.for_recording(recording, self.window, options.windows)
        sites = sites_of(recording, options.windows)
        table, gaps = measure_windows(recording, sites, grid, options, progress=progress)
        min_windows = options.evaluation.min_windows_to_group
        if len(table) < min_windows:
            raise InputError(
                f"only {len(table)} windows hold data and classes need at least {min_windows}: "
                "give a longer recording, or shorter windows"
            )
        names = [site.name for site in sites]
        per_octave = options.scattering.bands_per_octave
        background = Background.measure(table, names, options.background, per_octave)
        null = surrogate_features(recording, sites, grid, background, len(table), self.seed, options)
        features = background.excess(table, names)
        representation = choose_representation(
            self.representation,
            features,
            null,
            table,
            int(background.bands.sum()),
            self.grouping,
            self.seed,
            options,
        )
        rows = [row for site in sites for row in site.rows]
        axes, solution = representation.axes, representation.solutions[0]
        model = ExplorerModel(
            grid,
            background,
            representation,
            solution.assigner,
            {label: overlap.value for label, overlap in solution.stability.items()},
            Novelty.measure(axes.for_novelty(features), axes.for_novelty(null), self.seed, options.novelty),
            len(table),
            TrainingRecord.of(recording, stretches(recording), rows),
            self._verdict(recording, grid, table, solution, options, training_share=1.0),
            options,
        )
        self.model_ = replace(model, explored=model.describe(sites, table, gaps, features))
        return self

    def embed(self, recording: Any, *, progress: ProgressCallback | None = None) -> Explored:
        """Return the coordinates, classes and novelty of the windows of another recording.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            A recording at the same sampling rate, with as many components per station.
        progress : callable, optional
            Called with the number of samples read and of all samples.

        Raises
        ------
        InputError
            If the sampling rate differs, or there is no window without a gap.
        """
        recording, options = as_recording(recording), self.model_.options
        self._check_rate(recording)
        sites = sites_of(recording, options.windows)
        table, gaps = measure_windows(recording, sites, self.grid_, options, progress=progress)
        return self.model_.describe(sites, table, gaps, self.model_.excess(table, sites))

    def predict(self, recording: Any) -> Labels:
        """Return the class of each window of a recording, -1 where unassigned, by site and time.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            A recording at the same sampling rate, with as many components per station.
        """
        return self.embed(recording).labels

    def find_similar(
        self, window: NDArray | Float32Array, explored: Explored, n_windows: int = 20
    ) -> tuple[NDArray[np.int32], Float32Array]:
        """Return the windows of a recording that are most similar to given coordinates.

        Parameters
        ----------
        window : ndarray, shape (n_axes,)
            A row of the points of this or another recording.
        explored : Explored
            The windows to search.
        n_windows : int
            Number of windows to return.

        Returns
        -------
        rows : ndarray of int32, shape (n_windows,)
        distance : ndarray of float32, shape (n_windows,)
        """
        rows, distance = nearest_windows(np.atleast_2d(window), explored.points, n_windows)
        return rows[0], distance[0]

    def evaluate(self, recording: Any) -> Verdict:
        """Evaluate on windows outside the training data: check whether their held-out halves reproduce classes.

        For exactly the training data, the verdict is that of `fit`.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            A recording at the same sampling rate, with as many components per station.

        Returns
        -------
        Verdict
            Its details hold ``training_share``, the share of the windows that belong to the training data.

        Raises
        ------
        InputError
            If the sampling rate differs, or there is no window without a gap.
        """
        recording, options = as_recording(recording), self.model_.options
        explored = self.embed(recording)
        new = ~self.model_.in_training_data(recording, explored.table)
        if not new.any():
            return self.verdict_ if len(new) == self.n_windows_ else Verdict.all_training_data(TASK)
        table = explored.table.of(new)
        null = surrogate_features(
            recording, explored.sites, self.grid_, self.background_, len(table), self.seed, options
        )
        points, under_null = explored.points[new], self.representation_(null)
        solution = search_clusters(points, table.first, under_null, self.grouping, self.seed, options)[0]
        training_share = float(1 - new.mean())
        return self._verdict(recording, self.grid_, table, solution, options, training_share=training_share)

    def station_consensus(self, recording: Any, explored: Explored) -> dict[int | None, Any]:
        """Return the agreement of neighbouring stations on classes at the same time; empty with one station.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording.
        explored : Explored
            Its windows.
        """
        return station_consensus(
            explored.labels,
            explored.table.site,
            explored.table.first,
            _places(as_recording(recording), explored.sites),
            self.seed,
            explored.options,
        )

    def _verdict(
        self,
        recording: xr.DataArray,
        grid: Grid,
        table: WindowTable,
        solution: ClusterSolution,
        options: ExplorerOptions,
        *,
        training_share: float,
    ) -> Verdict:
        details: dict[str, Any] = {
            "n_windows": len(table),
            "window_s": grid.seconds,
            "training_share": training_share,
        }
        min_windows = options.evaluation.min_windows
        if len(table) < min_windows:
            return Verdict.undecided(
                TASK,
                f"Only {len(table)} windows could be used; {min_windows} are needed: give a longer record.",
                details=details | {"trusted_classes": solution.trusted},
            )
        energies = np.log(mean_of_known(table.power) + np.finfo(np.float32).tiny)
        energies = (energies - energies.mean(axis=0)) / np.maximum(energies.std(axis=0), 1e-6)
        places = _places(recording, sites_of(recording, options.windows))
        consensus = station_consensus(solution.labels, table.site, table.first, places, self.seed, options)
        if None in consensus:
            kappa, null = consensus[None]
            details["agreement of neighbouring stations"] = kappa.to_dict() | {"null": null}
        return evaluate_clusters(solution, energies.astype(np.float32), table.first, self.seed, details)

    def _check_rate(self, recording: xr.DataArray) -> None:
        rate = sampling_rate(recording)
        if not np.isclose(rate, self.grid_.rate, rtol=1e-3):
            raise InputError(
                f"the explorer was trained at {self.grid_.rate:g} Hz and the recording has {rate:g} Hz: "
                "train one at that rate, or resample the recording"
            )


def _places(recording: xr.DataArray, sites: list[Site]) -> list[str]:
    """Return network and station of each site: sensors of one station record the same ground motion."""
    codes = station_codes(recording)
    if is_fibre(recording):
        return [site.name for site in sites]
    return [".".join(str(codes[site.rows[0]]).split(".")[:2]) for site in sites]
