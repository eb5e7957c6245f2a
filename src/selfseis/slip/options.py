"""Options of slip inversions: readers, fault, scenes, noise, priors, blocks and moment."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.geo.options import PositionOptions
from selfseis.inversion.options import InversionOptions
from selfseis.options import Options, option, option_group


@dataclass(frozen=True, kw_only=True)
class ReadingOptions(Options):
    """Tolerances of the readers of GNSS and InSAR."""

    same_place_degrees: float = option(1e-4, "degrees", "judgement: about 10 m; GNSS sites are averaged")
    default_sd_m: tuple[float, ...] = option(
        (0.005, 0.005, 0.01), "m", "judgement: east, north, up, where a file states no error"
    )
    max_look_error: float = option(0.05, "1", "judgement: look vectors of another length are logged")
    max_wrong_looks: float = option(
        0.2, "share", "judgement: with more of other lengths they are no look vectors"
    )
    max_look_spread: float = option(
        25.0, "degrees", "swaths of wide-swath modes: about 18 degrees from the middle"
    )
    incidence_range: tuple[float, float] = option(
        (10.0, 70.0), "degrees", "radar satellites look at 15 to 60 degrees from the vertical"
    )
    max_look_turn: float = option(
        55.0, "degrees", "judgement: of the line of sight from east or west; orbits are nearly polar"
    )
    max_displacement_m: float = option(
        60.0, "m", "the sea floor moved by about 50 m in 2011, the largest displacement measured"
    )
    max_strain: float = option(
        3e-4,
        "1",
        "largest displacement over the root of the area of the fault, for a stress drop of about 20 MPa",
    )
    max_without_errors: float = option(
        1 / 3,
        "1",
        "judgement: share of it that is taken for metres where neither a unit nor errors are stated",
    )
    min_displacement_m: float = option(0.3, "m", "judgement: possible on the smallest faults")
    max_sd_of_metres: float = option(0.1, "m", "judgement: larger stated errors are not in metres")
    sd_range_m: tuple[float, float] = option(
        (0.0005, 0.025),
        "m",
        "judgement: errors of GNSS and InSAR, to tell cm from mm where they are not metres",
    )
    min_sd: float = option(1 / 30, "median errors", "judgement: smaller errors are damaged")
    min_data: int = option(6, "data", "judgement: components of sites and pixels")


@dataclass(frozen=True, kw_only=True)
class FaultOptions(Options):
    """Cutting into patches, neighbours and rake limits."""

    target_patches: int = option(200, "patches", "judgement: few large rectangles are cut into as many")
    min_patch_features: int = option(12, "features", "judgement: as many rectangles are patches already")
    min_patch_km: float = option(0.2, "km", "judgement: smallest patches, unless patch_km is given")
    max_depth_km: float = option(750.0, "km", "no earthquake is deeper; larger third coordinates are metres")
    max_patch_aspect: float = option(
        50.0,
        "1",
        "judgement: vertical over horizontal extent of patches; with more, third coordinates are metres",
    )
    max_deep_aspect: float = option(
        3.0, "1", "judgement: the same for patches that would be deeper than 80 km"
    )
    max_length_km: float = option(2500.0, "km", "the rupture of 2004, the longest known, was 1,300 km long")
    max_width_km: float = option(400.0, "km", "judgement: ruptures are at most about 250 km wide")
    max_above_km: float = option(3.0, "km", "judgement: topography; a fault that reaches higher is in error")
    min_consistent_dip: float = option(
        70.0,
        "degrees",
        "judgement: steeper patches of a mesh share one strike, also where they dip the other way",
    )
    max_patches: int = option(10_000, "patches", "memory: patches of a file, also after cutting")
    max_mismatch: float = option(10.0, "degrees", "judgement: between stated angles and those of the corners")
    max_patch_distance: float = option(1.4, "patch sizes", "judgement: neighbours are adjacent, not diagonal")
    max_bend: float = option(45.0, "degrees", "judgement: difference in strike of neighbours")
    rake_margin: float = option(45.0, "degrees", "judgement: about a mean rake, where no limits are given")
    max_rake_range: float = option(170.0, "degrees", "limits must be less than 180 degrees apart")


@dataclass(frozen=True, kw_only=True)
class TraceMaskOptions(Options):
    """Mask of pixels near the surface trace, where the size of the patches determines the displacement."""

    max_top_km: float = option(1.0, "km", "judgement: shallower patches reach the surface")
    n_steps: int = option(10, "points", "judgement: along the upper edge of a patch")
    width: float = option(0.25, "patch lengths", "judgement: unless near_fault_km is given")


@dataclass(frozen=True, kw_only=True)
class QuadtreeOptions(Options):
    """Downsampling of scenes after Jónsson et al. (2002), doi:10.1785/0120000922."""

    max_pixels: int = option(1500, "pixels", "judgement: the covariance of a scene is a dense matrix")
    min_pixels_per_square: int = option(4, "pixels", "judgement")


@dataclass(frozen=True, kw_only=True)
class PatchGroupOptions(Options):
    """Merging of patches by k-means of their centres."""

    n_starts: int = option(1, "starts", "judgement: of k-means")


@dataclass(frozen=True, kw_only=True)
class GreensOptions(Options):
    """Green's functions of an elastic half-space."""

    poisson_ratio: float = option(0.25, "1", "Poisson solid, as in the tables of Okada (1985)")
    max_patches_at_once: int = option(250, "patches", "judgement: memory")


@dataclass(frozen=True, kw_only=True)
class SignCheckOptions(Options):
    """Comparison of scenes with the displacement predicted from GNSS."""

    min_correlation: float = option(0.3, "1", "judgement: weaker correlations decide nothing")
    min_shape_correlation: float = option(0.7, "1", "judgement: for the check of the unit")
    max_power_error: float = option(0.3, "decades", "judgement: distance to a power of ten, for another unit")
    max_pixels: int = option(150, "pixels", "judgement: run time")
    gnss_sd_m: float = option(0.01, "m", "judgement: added to the stated errors, for the model of GNSS alone")


@dataclass(frozen=True, kw_only=True)
class FirstModelOptions(Options):
    """Smooth model that is subtracted before noise is measured, and the ramps of scenes."""

    roughness_m: float = option(0.5, "m", "judgement: standard deviation from the mean of the neighbours")
    ramp_sd_m: float = option(0.1, "m", "judgement: prior of offset and slopes of a scene")


@dataclass(frozen=True, kw_only=True)
class VariogramOptions(Options):
    """Noise of scenes from variograms, after Sudhaus and Jónsson (2009), doi:10.1111/j.1365-246X.2008.03989.x."""

    n_lags: int = option(15, "lags", "judgement")
    max_lag_share: float = option(0.2, "share", "judgement: share of the largest distance in the scene")
    lag_power: float = option(1.5, "1", "judgement: lags widen with distance, where less precision is needed")
    min_pairs: int = option(10, "pairs", "judgement: of pixels in a lag")
    min_lags: int = option(4, "lags", "judgement: with fewer, the noise is taken as uncorrelated")
    max_pixels: int = option(1200, "pixels", "judgement: run time")
    min_pixels: int = option(20, "pixels", "judgement: with fewer, the noise is taken as uncorrelated")
    first_sd_m: float = option(0.01, "m", "judgement: noise of a pixel before it is measured")
    min_sd_m: float = option(0.001, "m", "judgement: smallest noise of a pixel")
    min_weight: float = option(
        0.4, "1", "weight under Student's t (4 degrees of freedom) about three standard deviations off"
    )


@dataclass(frozen=True, kw_only=True)
class RobustNoiseOptions(Options):
    """Choice between Gaussian and Student's t noise."""

    student_dof: float = option(4.0, "degrees of freedom", "judgement: a common choice")
    n_inner: int = option(3, "folds", "judgement")
    error_rate: float = option(0.05, "1", "convention: one-sided test for Student's t")
    outlier_sd: float = option(4.0, "standard deviations", "judgement: data farther off are logged")


@dataclass(frozen=True, kw_only=True)
class SlipPriorOptions(Options):
    """Candidate settings of the priors, in proportion to the fault; cross-validation chooses among them."""

    slip_per_length: float = option(
        2e-5, "1", "slip over the root of the area, for a stress drop of a few MPa"
    )
    roughness: tuple[float, ...] = option(
        (0.003, 0.01, 0.03, 0.1, 0.3), "typical slips", "judgement: Laplacian"
    )
    sizes: tuple[float, ...] = option((0.07, 0.2, 0.6), "typical slips", "judgement: Gaussian processes")
    ranges: tuple[float, ...] = option(
        (1 / 6, 1 / 3, 2 / 3, 4 / 3), "fault lengths", "judgement: Gaussian processes"
    )
    neural_scales: tuple[float, ...] = option((0.125, 0.25), "fault lengths", "judgement: neural field")
    neural_sizes: tuple[float, ...] = option((0.6,), "typical slips", "judgement: neural field")
    uniform_sizes: tuple[float, ...] = option((0.3, 1.0, 3.0), "typical slips", "judgement: uniform slip")


@dataclass(frozen=True, kw_only=True)
class BlockOptions(Options):
    """Blocks of the map that are held out."""

    max_blocks: int = option(16, "blocks", "judgement: two in each of eight folds")
    n_starts: int = option(4, "starts", "judgement: of k-means")
    min_blocks: int = option(4, "blocks", "judgement: with fewer, nothing can be held out")
    min_other_blocks: int = option(
        4, "blocks", "judgement: of the other types, when a type of data is held out"
    )


@dataclass(frozen=True, kw_only=True)
class MomentOptions(Options):
    """Rigidity, and the interval of the magnitude."""

    level: float = option(0.9, "1", "convention: level of the interval")
    rigidity_error: float = option(0.2, "share", "judgement")
    layering_error: float = option(
        0.15, "share", "Hearn and Bürgmann (2005), doi:10.1785/0120040158: moment in a half-space"
    )
    n_rigidities: int = option(200, "draws", "judgement: for each draw of slip")
    min_rigidity_pa: float = option(10e9, "Pa", "judgement: the moment in soft sediments is negligible")
    n_depth_bins: int = option(10, "bins", "judgement: moment by depth")
    max_excess: float = option(
        0.7,
        "units of magnitude",
        "judgement: above that of ruptures of this area, about ten times their stress drop",
    )
    min_magnitude: float = option(2.0, "Mw", "judgement: smaller means that the data need no slip")


@dataclass(frozen=True, kw_only=True)
class SlipOptions(Options):
    """Settings of `SlipInversion`."""

    reading: ReadingOptions = option_group(ReadingOptions)
    positions: PositionOptions = option_group(PositionOptions)
    fault: FaultOptions = option_group(FaultOptions)
    trace_mask: TraceMaskOptions = option_group(TraceMaskOptions)
    quadtree: QuadtreeOptions = option_group(QuadtreeOptions)
    patch_groups: PatchGroupOptions = option_group(PatchGroupOptions)
    greens: GreensOptions = option_group(GreensOptions)
    sign_check: SignCheckOptions = option_group(SignCheckOptions)
    first_model: FirstModelOptions = option_group(FirstModelOptions)
    variogram: VariogramOptions = option_group(VariogramOptions)
    robust_noise: RobustNoiseOptions = option_group(RobustNoiseOptions)
    priors: SlipPriorOptions = option_group(SlipPriorOptions)
    blocks: BlockOptions = option_group(BlockOptions)
    moment: MomentOptions = option_group(MomentOptions)
    inversion: InversionOptions = option_group(InversionOptions)
