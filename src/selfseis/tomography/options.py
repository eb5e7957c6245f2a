"""Options of the tomography, one group per stage."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.inversion.options import InversionOptions, NeuralFieldOptions
from selfseis.options import Options, option, option_group
from selfseis.traveltimes.options import RayTableOptions

_MANTLE = "judgement; benchmarks/tomography_mantle.py compares the candidates"
_REGION = "judgement; benchmarks/tomography_flinders.py compares the candidates"


@dataclass(frozen=True, kw_only=True)
class ScreeningOptions(Options):
    """Arrivals that are left out, and noise where a file states none."""

    sigma_p_s: float = option(0.5, "s", "judgement; every fit scales it, so that only the ratio to S matters")
    sigma_s_s: float = option(1.0, "s", "judgement: twice that of P")
    max_speed_km_s: float = option(14.0, "km/s", "no wave of the mantle is faster")
    max_early_s: float = option(
        3.0, "s", "judgement: errors of times and hypocentres, before a wave is too fast"
    )
    max_distance_error_deg: float = option(0.2, "degrees", "judgement: rounding and other ellipsoids")
    max_distance_error: float = option(0.02, "share of the distance", "judgement: other ellipsoids")
    max_twin_s: float = option(0.5, "s", "judgement: the same onset, read by two agencies")
    max_twin_deg: float = option(2.0, "degrees", "judgement: between two locations of one event")
    min_twin_arrivals: int = option(3, "arrivals", "judgement: common to two events that are one")
    min_twin_share: float = option(0.5, "share", "judgement: of the arrivals of the smaller of two events")
    min_event_arrivals: int = option(5, "arrivals", "an event has four terms, which fit fewer arrivals")
    min_arrivals: int = option(40, "arrivals", "judgement")
    max_residual_globe_s: float = option(15.0, "s", "judgement")
    max_residual_globe_sd: float = option(8.0, "robust standard deviations", "judgement")
    max_residual_region_s: float = option(4.0, "s", "judgement")
    max_residual_region_sd: float = option(10.0, "robust standard deviations", "judgement")
    max_median_misfit: float = option(
        0.25, "share of the travel time", "judgement: beyond it, units are wrong"
    )
    min_time_of_misfit_s: float = option(5.0, "s", "judgement: shorter times count as this long")


@dataclass(frozen=True, kw_only=True)
class GridOptions(Options):
    """Scope, and cells of the mantle or of a region."""

    max_region_deg: float = option(15.0, "degrees", "judgement: longer rays are global")
    max_long_rays: float = option(0.1, "share", "judgement: with more long rays the scope is the globe")
    mantle_cell_deg: float = option(5.0, "degrees", "judgement: 33 cells per ray, docs/tomography.md")
    mantle_depths_km: tuple[float, ...] = option(
        (0.0, 100.0, 200.0, 300.0, 410.0, 535.0, 660.0, 810.0, 970.0, 1140.0, 1310.0, 1500.0, 1700.0, 1900.0,
         2100.0, 2300.0, 2500.0, 2700.0, 2891.0),
        "km",
        "judgement: thin at the top, with edges at 410 and 660 km",
    )  # fmt: skip
    region_cells_across: float = option(22.0, "cells", "judgement: side of the region over that of a cell")
    region_margin: float = option(0.03, "share", "judgement: of the extent of events and stations")
    region_margin_deg: float = option(0.02, "degrees", "judgement: added to the share")
    region_layers_per_cell: float = option(3.0, "layers", "judgement: layers are thinner than cells are wide")
    min_region_layers: int = option(3, "layers", "judgement")
    max_region_layers: int = option(12, "layers", "judgement")
    region_layer_growth: float = option(1.3, "1", "judgement: power of depth; layers are thin at the top")
    region_depth_quantile: float = option(0.995, "share", "judgement: of the rays turn above the floor")
    region_depth_factor: float = option(1.1, "1", "judgement: floor over this quantile")
    region_depth_margin_km: float = option(2.0, "km", "judgement: added to the floor")
    min_region_depth_km: float = option(5.0, "km", "judgement")


@dataclass(frozen=True, kw_only=True)
class RayOptions(Options):
    """Rays of the reference, and their segments."""

    max_step: float = option(0.3, "share of the smallest side of a cell", "judgement: rays skip no cell")
    table: RayTableOptions = option_group(RayTableOptions)


@dataclass(frozen=True, kw_only=True)
class EikonalOptions(Options):
    """Nodes and rays of the eikonal ray tracing in a region."""

    max_nodes: int = option(150_000, "nodes", "judgement: memory and run time")
    margin_nodes: int = option(3, "nodes", "judgement: around the cells")
    max_perturbation: float = option(
        25.0, "%", "judgement: larger values occur where data are missing and would attract rays"
    )
    straight_nodes: float = option(2.0, "nodes", "judgement: the ray is straight this near to its station")
    step_nodes: float = option(0.5, "nodes", "judgement: step along a ray")
    first_tolerance_s: float = option(
        0.02, "s", "judgement: arrivals within it of the first are first arrivals"
    )


@dataclass(frozen=True, kw_only=True)
class TermOptions(Options):
    """Noise, and prior standard deviations of event and station terms.

    Hypocentres of a global bulletin are less certain than those of a network.
    """

    student_dof: float = option(4.0, "1", "judgement: degrees of freedom of the noise")
    origin_time_globe_s: float = option(2.0, "s", "judgement")
    hypocentre_globe_km: tuple[float, float, float] = option(
        (15.0, 15.0, 20.0), "km", "judgement: east, north, down"
    )
    station_globe_s: float = option(0.5, "s", "judgement; cross-validation chooses a factor on it")
    origin_time_region_s: float = option(0.5, "s", "judgement")
    hypocentre_region_km: tuple[float, float, float] = option(
        (3.0, 3.0, 4.0), "km", "judgement: east, north, down"
    )
    station_region_s: float = option(0.15, "s", "judgement; cross-validation chooses a factor on it")
    s_station_factor: float = option(1.7, "1", "judgement: station terms of S over those of P, about vp/vs")


@dataclass(frozen=True, kw_only=True)
class PriorOptions(Options):
    """Candidates of cross-validation that do not depend on the scope."""

    flatness: tuple[float, ...] = option((0.25, 0.5, 1.0), "vertical over horizontal range", _MANTLE)
    s_over_p: tuple[float, ...] = option(
        (1.0, 1.5, 2.0), "1", "judgement: standard deviation of S over that of P"
    )
    smoothing: tuple[float, ...] = option((1.0, 3.0, 10.0, 30.0), "1/%", _MANTLE)
    damping: tuple[float, ...] = option((0.1, 0.3, 1.0, 3.0), "1/%", _MANTLE)
    network_flatness: tuple[float, ...] = option((0.25, 0.5), "vertical over horizontal scale", _MANTLE)


@dataclass(frozen=True, kw_only=True)
class MantlePriorOptions(Options):
    """Candidates of cross-validation for the mantle."""

    sd: tuple[float, ...] = option((0.15, 0.25, 0.4, 0.7), "%", _MANTLE)
    range_km: tuple[float, ...] = option((600.0, 1000.0, 1700.0, 3000.0), "km", _MANTLE)
    top: tuple[float, ...] = option(
        (1.0, 2.0, 4.0, 7.0), "strength of the surface over that at depth", _MANTLE
    )
    network_size: tuple[float, ...] = option((1.0, 3.0, 10.0), "%", _MANTLE)
    network_scale_km: tuple[float, ...] = option((700.0, 1500.0, 3000.0), "km", _MANTLE)
    network_top: tuple[float, ...] = option((1.0, 4.0), "strength of the surface over that at depth", _MANTLE)
    fade_km: float = option(200.0, "km", "judgement: depth over which the strength of the surface fades")


@dataclass(frozen=True, kw_only=True)
class RegionPriorOptions(Options):
    """Candidates of cross-validation for a region; lengths are shares of its width or depth."""

    sd: tuple[float, ...] = option((0.5, 1.0, 2.0, 4.0), "%", _REGION)
    range_share: tuple[float, ...] = option((0.1, 0.2, 0.4, 0.8), "share of the width", _REGION)
    top: tuple[float, ...] = option((1.0, 2.0), "strength of the surface over that at depth", _REGION)
    network_size: tuple[float, ...] = option((2.0, 6.0, 20.0), "%", _REGION)
    network_scale_share: tuple[float, ...] = option((0.07, 0.15, 0.3), "share of the width", _REGION)
    network_top: tuple[float, ...] = option((1.0, 2.0), "strength of the surface over that at depth", _REGION)
    fade_share: float = option(0.25, "share of the depth", "judgement: as `MantlePriorOptions.fade_km`")


@dataclass(frozen=True, kw_only=True)
class HeldOutOptions(Options):
    """Held-out blocks and their score."""

    min_blocks: int = option(8, "blocks", "a verdict needs eight, `selfseis.validation.judge`")
    max_regions: int = option(24, "blocks", "judgement")
    min_region_events: int = option(4, "events", "judgement: events per source region, on average")
    max_residual_sd: float = option(
        4.0, "robust standard deviations", "judgement: outliers count as this large"
    )


@dataclass(frozen=True, kw_only=True)
class PublishedModelOptions(Options):
    """Published models."""

    min_velocity: float = option(
        3.0, "km/s", "judgement: a median above it means absolute velocities, not perturbations in %"
    )


@dataclass(frozen=True, kw_only=True)
class StructureNetworkOptions(NeuralFieldOptions):
    """Network of the neural field: smaller than for slip, because its derivative has a row per arrival."""

    n_frequencies: int = option(16, "directions", "judgement: random Fourier features")
    width: int = option(24, "units", "judgement: units of each of the two layers")
    max_arrivals: int = option(20_000, "arrivals", "memory: arrivals by 1,400 weights are a dense matrix")


@dataclass(frozen=True, kw_only=True)
class StructureInversionOptions(InversionOptions):
    """Inversion for structure."""

    neural_field: StructureNetworkOptions = option_group(StructureNetworkOptions)


@dataclass(frozen=True, kw_only=True)
class TomographyOptions(Options):
    """Settings of `TravelTimeTomography`."""

    screening: ScreeningOptions = option_group(ScreeningOptions)
    grid: GridOptions = option_group(GridOptions)
    rays: RayOptions = option_group(RayOptions)
    eikonal: EikonalOptions = option_group(EikonalOptions)
    terms: TermOptions = option_group(TermOptions)
    priors: PriorOptions = option_group(PriorOptions)
    mantle_prior: MantlePriorOptions = option_group(MantlePriorOptions)
    region_prior: RegionPriorOptions = option_group(RegionPriorOptions)
    held_out: HeldOutOptions = option_group(HeldOutOptions)
    published: PublishedModelOptions = option_group(PublishedModelOptions)
    inversion: StructureInversionOptions = option_group(StructureInversionOptions)
