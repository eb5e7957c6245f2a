"""The explorer: what is in a recording, grouped, ranked by rarity, and judged on hidden windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.base import Estimator
from selfseis.errors import InputError
from selfseis.explore import model as storage
from selfseis.explore.background import Background, mean_of_known
from selfseis.explore.cluster_search import Structure, find_structures
from selfseis.explore.clustering import Labels, Method, settings_of
from selfseis.explore.edge_windows import edge_windows
from selfseis.explore.embedding import RARE_AXES
from selfseis.explore.evaluate import TASK, evaluate_structure, station_consensus
from selfseis.explore.features import Gaps, WindowTable, measure_windows
from selfseis.explore.novelty import Novelty, nearest_windows
from selfseis.explore.representation import Representation, choose_representation
from selfseis.explore.surrogates import surrogate_windows
from selfseis.explore.windows import Grid, Site, sites_of
from selfseis.recording import is_fibre, sampling_rate, station_codes
from selfseis.recording.coverage import stretches
from selfseis.training import TrainingRecord
from selfseis.typing import BoolArray, Float32Array, FloatArray
from selfseis.validation import Verdict

ProgressCallback = Callable[[float, float], None]

MAX_SURROGATES = 2000
MIN_TO_GROUP = 20  # windows, below which no method can group
MIN_WINDOWS = 60  # below which there are no halves to hide from each other


@dataclass(frozen=True)
class Explored:
    """The windows of a recording, and what is known of each.

    Attributes
    ----------
    grid : Grid
        The windows.
    sites : list of Site
        Stations, or groups of channels of a fibre.
    table : WindowTable
        Scattering coefficients, by site and time.
    gaps : Gaps
        Windows that could not be used.
    points : ndarray, shape (n, n_axes)
        Coordinates in which windows are compared.
    labels : ndarray of int16, shape (n,)
        Classes, -1 where unassigned.
    novelty : ndarray, shape (n,)
        Rarity; higher is rarer. Windows that hold only the edge of an event beside them are no rarer than usual.
    p_value : ndarray, shape (n,)
        Chance that a phase-randomised window is as rare.
    level_db : ndarray, shape (n,)
        Level above the station's background.
    """

    grid: Grid
    sites: list[Site]
    table: WindowTable
    gaps: Gaps
    points: Float32Array
    labels: Labels
    novelty: Float32Array
    p_value: FloatArray
    level_db: Float32Array

    def find_similar(self, row: int, n_windows: int = 20) -> NDArray[np.int32]:
        """Return the rows of the windows most like one, at any station and time, most alike first."""
        rows, _ = nearest_windows(self.points[[row]], self.points, n_windows + 1)
        return rows[0][rows[0] != row][:n_windows]

    def row_at(self, site: str, time_sample: int) -> int:
        """Return the row of the window of a site that holds a sample.

        Raises
        ------
        InputError
            If there is none: another site, a gap, or beyond the ends.
        """
        names = [one.name for one in self.sites]
        here = np.array([names[s] == site for s in self.table.site])
        here &= (self.table.first <= time_sample) & (time_sample < self.table.first + self.grid.length)
        if not here.any():
            raise InputError(f"{site} has no window at sample {time_sample}: it has {', '.join(names[:5])}")
        return int(np.flatnonzero(here)[0])


class Explorer(Estimator):
    """Group the windows of a recording into classes that can be trusted, and rank what is rare.

    Windows are compared by what they hold above their station's usual noise: power in bands, how it comes and goes,
    direction. Classes are groups that hidden halves of the recording find again.

    Parameters
    ----------
    window : float, optional
        Length of a window in s; by default what gives some thousands of windows.
    grouping : {"hdbscan", "gmm", "ward"}
        How windows are grouped. The last two also cut what has no natural borders.
    representation : {"auto", "scattering", "learned"}
        What windows are compared by. *auto* keeps a learned encoder only where hidden windows say that it is better.
    seed : int
        Seed of everything random.

    Attributes
    ----------
    grid_ : Grid
        The windows.
    background_ : Background
        What each station usually shows.
    represented_ : Represented
        The coordinates in which windows are compared, and the ways of grouping that were tried; none of these after
        loading.
    assigner_ : Assigner
        Tells windows their class.
    class_stability_ : dict of int to float
        Of each class: its overlap with its counterpart found from hidden windows.
    novelty_ : Novelty
        How rare windows are.
    explored_ : Explored
        The windows that were learnt from; None after loading.
    n_windows_ : int
        Number of these windows.
    training_record_ : TrainingRecord
        The times that they hold. All of them shaped the coordinates: of these there is one verdict, that of learning.
    verdict_ : Verdict
        On hidden halves of the recording.
    """

    def __init__(
        self,
        *,
        window: float | None = None,
        grouping: Method = "hdbscan",
        representation: Representation = "auto",
        seed: int = 0,
    ) -> None:
        self.window = window
        self.grouping = grouping
        self.representation = representation
        self.seed = seed

    def fit(self, recording: xr.DataArray, *, progress: ProgressCallback | None = None) -> Self:
        """Find the classes of a recording and judge them on hidden windows.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, dims (channel, time).
        progress : callable, optional
            Called with how much is read and how much there is.

        Raises
        ------
        InputError
            If the recording is too short, has no window without a gap, or an argument makes no sense.
        """
        settings_of(self.grouping, 1000)
        self.grid_ = Grid.suited(recording, self.window)
        sites = sites_of(recording)
        table, gaps = measure_windows(recording, sites, self.grid_, progress=progress)
        if len(table) < MIN_TO_GROUP:
            raise InputError(
                f"only {len(table)} windows hold data, groups need {MIN_TO_GROUP}: give a longer recording, "
                "or shorter windows"
            )
        names = [site.name for site in sites]
        self.background_ = Background.measure(table, names)
        null = self._under_null(recording, sites, len(table))
        features = self.background_.excess(table, names)
        self.represented_ = choose_representation(
            self.representation,
            features,
            null,
            table,
            int(self.background_.bands.sum()),
            self.grouping,
            self.seed,
        )
        self.n_windows_ = len(table)
        rows = [row for site in sites for row in site.rows]
        self.training_record_ = TrainingRecord.of(recording, stretches(recording), rows)
        axes = self.represented_.axes
        self.novelty_ = Novelty.measure(axes(features, RARE_AXES), axes(null, RARE_AXES), self.seed)
        structure = self.represented_.structures[0]
        self.assigner_ = structure.assigner
        self.class_stability_ = {name: found.value for name, found in structure.stability.items()}
        self.explored_: Explored | None = self._explored(sites, table, gaps, features)
        self.verdict_ = self._judged(recording, table, structure, training_share=1.0)
        return self

    def embed(self, recording: xr.DataArray, *, progress: ProgressCallback | None = None) -> Explored:
        """Look at another recording with the same eyes: coordinates, classes and rarity of its windows.

        Parameters
        ----------
        recording : xarray.DataArray
            A recording at the same sampling rate, with as many kinds of components.
        progress : callable, optional
            Called with how much is read and how much there is.

        Raises
        ------
        InputError
            If the sampling rate is another, or there is no window without a gap.
        """
        self._check_fits(recording)
        sites = sites_of(recording)
        table, gaps = measure_windows(recording, sites, self.grid_, progress=progress)
        return self._explored(sites, table, gaps, self._excess(table, sites))

    def predict(self, recording: xr.DataArray) -> Labels:
        """Return the class of each window of a recording, -1 where unassigned, by site and time."""
        return self.embed(recording).labels

    def find_similar(
        self, window: NDArray | Float32Array, explored: Explored, n_windows: int = 20
    ) -> tuple[NDArray[np.int32], Float32Array]:
        """Return the windows of a recording that are most like given coordinates, whatever they came from.

        Parameters
        ----------
        window : ndarray, shape (n_axes,)
            A row of the points of this or another recording.
        explored : Explored
            Where to look.
        n_windows : int
            How many.

        Returns
        -------
        rows : ndarray of int32, shape (n_windows,)
        distance : ndarray of float32, shape (n_windows,)
        """
        rows, distance = nearest_windows(np.atleast_2d(window), explored.points, n_windows)
        return rows[0], distance[0]

    def evaluate(self, recording: xr.DataArray) -> Verdict:
        """Judge on windows that were not learnt from: whether their hidden halves find classes again.

        Of the recording that was learnt from, whole and alone, the verdict is that of learning.

        Parameters
        ----------
        recording : xarray.DataArray
            A recording at the same sampling rate, with as many kinds of components.

        Returns
        -------
        Verdict
            Its details state under ``training_share`` which share of the windows was learnt from.

        Raises
        ------
        InputError
            If the sampling rate is another, or there is no window without a gap.
        """
        explored = self.embed(recording)
        new = ~self._taught(recording, explored.table)
        if not new.any():
            return self.verdict_ if len(new) == self.n_windows_ else Verdict.all_training_data(TASK)
        table = explored.table.of(new)
        null = self._under_null(recording, explored.sites, len(table))
        structure = find_structures(
            explored.points[new], table.first, self.represented_(null), self.grouping, self.seed
        )[0]
        return self._judged(recording, table, structure, training_share=float(1 - new.mean()))

    def save(self, folder: Path | str) -> None:
        """Write the explorer to a folder, all or nothing."""
        storage.save(self, Path(folder))

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read an explorer from a folder.

        Raises
        ------
        InputError
            If the folder holds no explorer, or a damaged one.
        """
        return storage.load(cls, Path(folder))

    def agreement(self, recording: xr.DataArray, explored: Explored) -> dict[int | None, Any]:
        """Return how far neighbouring stations give the same class at the same time; empty with one station."""
        return station_consensus(
            explored.labels,
            explored.table.site,
            explored.table.first,
            _places(recording, explored.sites),
            self.seed,
        )

    def _under_null(self, recording: xr.DataArray, sites: list[Site], n_windows: int) -> Float32Array:
        made = surrogate_windows(recording, sites, self.grid_, min(n_windows, MAX_SURROGATES), self.seed)
        names = [site.name for site in sites]
        own = Background.measure(made, names)
        return Background(own.power, own.along, own.modulation, self.background_.bands).excess(made, names)

    def _excess(self, table: WindowTable, sites: list[Site]) -> Float32Array:
        names = [site.name for site in sites]
        features = self.background_.for_sites(table, names).excess(table, names)
        if features.shape[1] != len(self.represented_.axes.median):
            raise InputError(
                "the explorer was learnt on stations with other components: learn one on recordings like these"
            )
        return features

    def _explored(
        self, sites: list[Site], table: WindowTable, gaps: Gaps, features: Float32Array
    ) -> Explored:
        points = self.represented_(features)
        names = [site.name for site in sites]
        background = self.background_.for_sites(table, names)
        score = self.novelty_.score(self.represented_.axes(features, RARE_AXES))
        edge = edge_windows(table, background.louder(table, names), self.grid_.length)
        score[edge] = np.minimum(score[edge], np.median(score))
        return Explored(
            self.grid_, sites, table, gaps, points, self.assigner_(points), score, self.novelty_.p_values(score),
            background.level_db(table, names),
        )  # fmt: skip

    def _taught(self, recording: xr.DataArray, table: WindowTable) -> BoolArray:
        """Say which windows hold times that were learnt from, shape (n,)."""
        begin, end = np.array([(-1, 0), *self.training_record_.times_in(recording)]).T
        last_before_end = np.searchsorted(begin, table.first + self.grid_.length) - 1
        return end[last_before_end] > table.first

    def _judged(
        self, recording: xr.DataArray, table: WindowTable, structure: Structure, *, training_share: float
    ) -> Verdict:
        details: dict[str, Any] = {
            "n_windows": len(table),
            "window_s": self.grid_.seconds,
            "training_share": training_share,
        }
        if len(table) < MIN_WINDOWS:
            return Verdict.undecided(
                "explore",
                f"Only {len(table)} windows could be used; {MIN_WINDOWS} are needed: give a longer record.",
                details=details | {"trusted_classes": structure.trusted},
            )
        energies = np.log(mean_of_known(table.power) + np.finfo(np.float32).tiny)
        energies = (energies - energies.mean(axis=0)) / np.maximum(energies.std(axis=0), 1e-6)
        sites = sites_of(recording)
        agreed = station_consensus(
            structure.labels, table.site, table.first, _places(recording, sites), self.seed
        )
        if None in agreed:
            details["agreement of neighbouring stations"] = agreed[None][0].to_dict() | {
                "null": agreed[None][1]
            }
        return evaluate_structure(structure, energies.astype(np.float32), table.first, self.seed, details)

    def _check_fits(self, recording: xr.DataArray) -> None:
        rate = sampling_rate(recording)
        if not np.isclose(rate, self.grid_.rate, rtol=1e-3):
            raise InputError(
                f"the explorer was learnt at {self.grid_.rate:g} Hz, not at {rate:g} Hz: learn one there, or resample"
            )


def _places(recording: xr.DataArray, sites: list[Site]) -> list[str]:
    """Return network and station of each site: sensors there feel the same ground."""
    codes = station_codes(recording)
    if is_fibre(recording):
        return [site.name for site in sites]
    return [".".join(str(codes[site.rows[0]]).split(".")[:2]) for site in sites]
