"""The linear problem of slip: observations, ramps, Green functions and spatial blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfseis.inversion import GaussianPrior, LaplacianPrior, LinearProblem, Noise
from selfseis.slip.fault import Fault, rake_basis
from selfseis.slip.gnss import Gnss
from selfseis.slip.greens import displacement_along
from selfseis.slip.insar import Insar
from selfseis.slip.options import BlockOptions, GreensOptions, SlipOptions
from selfseis.slip.patch_groups import PatchGroups
from selfseis.slip.robust_noise import MeasuredNoise, NoiseModel
from selfseis.slip.variogram import InsarNoise
from selfseis.typing import FloatArray, IntArray

GNSS = "gnss"
INSAR = "insar "


@dataclass(frozen=True)
class Observations:
    """All data of an inversion, stacked.

    Attributes
    ----------
    values : ndarray, shape (n_data,)
        In m.
    direction : ndarray, shape (n_data, 3)
        Unit vector of the measured component of each datum: east, north, up.
    places_km : ndarray, shape (n_data, 2)
    longitude, latitude : ndarray, shape (n_data,)
    sd : ndarray, shape (n_data,)
        Stated standard deviation in m.
    kind : ndarray of str, shape (n_data,)
        ``gnss`` or ``insar NAME``.
    name : ndarray of str, shape (n_data,)
        Site and component, or scene.
    """

    values: FloatArray
    direction: FloatArray
    places_km: FloatArray
    longitude: FloatArray
    latitude: FloatArray
    sd: FloatArray
    kind: NDArray[np.str_]
    name: NDArray[np.str_]

    @classmethod
    def of(
        cls, gnss: Gnss | None, scenes: Sequence[Insar], fault: Fault, *, scene_sd_m: float
    ) -> Observations:
        """Stack the components of sites and the pixels of scenes.

        Parameters
        ----------
        gnss : Gnss or None
        scenes : sequence of Insar
        fault : Fault
        scene_sd_m : float
            Standard deviation in m of pixels that have none.
        """
        columns: list[tuple] = []
        if gnss is not None and len(gnss):
            site, component = np.nonzero(np.isfinite(gnss.displacement))
            names = [f"{gnss.site[s]} {'ENU'[c]}" for s, c in zip(site, component, strict=True)]
            columns.append(
                (gnss.displacement[site, component], np.eye(3)[component], gnss.longitude[site], gnss.latitude[site],
                 gnss.sd[site, component], np.full(len(site), GNSS), np.array(names))
            )  # fmt: skip
        for scene in scenes:
            sd = np.where(np.isfinite(scene.sd), scene.sd, scene_sd_m)
            kind = np.full(len(scene), INSAR + scene.name)
            columns.append(
                (
                    scene.los,
                    scene.look,
                    scene.longitude,
                    scene.latitude,
                    sd,
                    kind,
                    np.full(len(scene), scene.name),
                )
            )
        values, direction, longitude, latitude, sd, kind, name = (
            np.concatenate(parts) for parts in zip(*columns, strict=True)
        )
        places = fault.local_map.to_km(longitude, latitude)
        return cls(values, direction, places, longitude, latitude, sd, kind, name)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def scenes(self) -> list[str]:
        """Types of data of the scenes."""
        return sorted({kind for kind in self.kind.tolist() if kind.startswith(INSAR)})


def ramps(observations: Observations) -> FloatArray:
    """Return an offset and two slopes for each scene; (n_data, 3 * n_scenes)."""
    columns = []
    for kind in observations.scenes:
        rows = observations.kind == kind
        places = observations.places_km - observations.places_km[rows].mean(axis=0)
        # Slopes are per half-width of the scene, so that all three columns are of one size.
        places = places / np.maximum(np.abs(places[rows]).max(axis=0), 1e-6)
        columns += [rows * 1.0, rows * places[:, 0], rows * places[:, 1]]
    return np.stack(columns, axis=1) if columns else np.zeros((len(observations), 0))


def spatial_blocks(observations: Observations, options: BlockOptions) -> IntArray:
    """Return the compact block of the map of each datum, shared by all types of data; (n_data,)."""
    from sklearn.cluster import KMeans

    places, owner = np.unique(np.round(observations.places_km, 3), axis=0, return_inverse=True)
    weight = np.zeros(len(places))
    for kind in np.unique(observations.kind):
        rows = owner.ravel()[observations.kind == kind]
        # A type of data counts as a whole: a dozen sites draw the blocks as much as thousands of pixels do.
        weight[np.unique(rows)] += 1 / len(np.unique(rows))
    n_blocks = min(options.max_blocks, len(places))
    clusters = KMeans(n_blocks, n_init=options.n_starts, random_state=0).fit(places, sample_weight=weight)
    return np.asarray(clusters.labels_[owner.ravel()], np.int64)


def first_prior(patch_groups: PatchGroups, options: SlipOptions) -> GaussianPrior:
    """Return the smooth prior of the model that is subtracted from the scenes before their noise is measured."""
    return LaplacianPrior(
        patch_groups.graph,
        [options.first_model.roughness_m],
        n_fields=len(rake_basis(patch_groups.fault)),
        nonnegative=True,
        options=options.inversion.priors,
    )


def without_ramp(values: FloatArray, columns: FloatArray) -> FloatArray:
    """Remove the best-fitting ramp from data; `columns` are those of `ramps` for these data."""
    return np.asarray(values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0])


def slip_operator(
    patch_groups: PatchGroups, observations: Observations, options: GreensOptions
) -> FloatArray:
    """Return the response of each datum to a metre of slip along each direction of `rake_basis`; (n_data, n_model)."""
    fault = patch_groups.fault
    along = displacement_along(fault, observations.places_km, observations.direction, options)
    fields = [patch_groups.gathered(np.einsum("dps,ps->dp", along, basis)) for basis in rake_basis(fault)]
    return np.concatenate(fields, axis=1)


def slip_problem(
    patch_groups: PatchGroups,
    observations: Observations,
    *,
    blocks: IntArray | None = None,
    noise_model: NoiseModel = "auto",
    options: SlipOptions = SlipOptions(),
) -> LinearProblem:
    """Return the linear problem of slip along the limits of the rake, with a ramp per scene.

    Parameters
    ----------
    patch_groups : PatchGroups
    observations : Observations
    blocks : ndarray of int, shape (n_data,), optional
        Data that are held out together; by default compact blocks of the map.
    noise_model : {"auto", "gaussian", "student"}
        Whether outliers count less; see `selfseis.slip.robust_noise`.
    options : SlipOptions

    Returns
    -------
    LinearProblem
        Its noise is measured on the visible data.
    """
    places = {kind: observations.places_km[observations.kind == kind] for kind in observations.scenes}
    first = first_prior(patch_groups, options)
    insar = InsarNoise(places, first, first.settings()[0], options.variogram)
    columns = ramps(observations)
    return LinearProblem(
        slip_operator(patch_groups, observations, options.greens),
        observations.values,
        Noise(observations.sd, observations.kind),
        spatial_blocks(observations, options.blocks) if blocks is None else blocks,
        columns,
        np.full(columns.shape[1], options.first_model.ramp_sd_m),
        MeasuredNoise(insar, noise_model, options.robust_noise),
        options.inversion,
    )
