"""Options of `locate_events`: search volume, association, location, velocity, clocks, significance and magnitudes."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.consensus.options import WadatiOptions
from selfseis.geo.options import ArrayOptions
from selfseis.options import Options, option, option_group
from selfseis.traveltimes.options import LayeredOptions


@dataclass(frozen=True, kw_only=True)
class SearchVolumeOptions(Options):
    """Stations, default depth and travel times of the search volume."""

    depth_per_aperture: float = option(1.0, "apertures", "judgement: array resolves depths down to its size")
    min_depth: float = option(1.0, "km", "judgement")
    max_depth: float = option(250.0, "km", "judgement: the earth is flat in the travel times")
    min_at_bottom: int = option(
        3, "events", "judgement: with so many at the bottom, the default depth is doubled once"
    )
    min_share_at_bottom: float = option(
        0.5, "share", "judgement: of the events; a few always have poor depths"
    )
    array: ArrayOptions = option_group(ArrayOptions)
    travel_times: LayeredOptions = option_group(LayeredOptions)


@dataclass(frozen=True, kw_only=True)
class AssociationOptions(Options):
    """Candidate events from PyOcto and from origin times, and the assignment of picks to them."""

    min_pick_share: float = option(0.25, "share", "judgement: of P and S at all stations, for one event")
    min_picks_range: tuple[int, int] = option((5, 8), "picks", "judgement: limits of the minimum per event")
    tolerance_per_crossing: float = option(
        0.06, "share", "judgement: model error of 6%, of the S travel time across the array"
    )
    tolerance_range: tuple[float, float] = option((0.01, 2.0), "s", "judgement: limits of the model error")
    tolerance_in_sds: float = option(3.0, "standard deviations", "judgement: error of the picks")
    pyocto_aperture: float = option(
        60.0, "km", "judgement: smaller arrays are stretched to it, because PyOcto's cell sizes are absolute"
    )
    pyocto_min_node: float = option(15.0, "km", "judgement: smallest cell of PyOcto")
    pyocto_min_pick_share: float = option(0.25, "share", "PyOcto, default of min_pick_fraction")
    pyocto_time_slice: float = option(1200.0, "s", "PyOcto, default of time_slicing")
    n_depth_nodes: int = option(60, "nodes", "judgement: depths in the travel-time table of PyOcto")
    max_table_nodes: int = option(600_000, "nodes", "memory: size of the travel-time table of PyOcto")
    min_s_minus_p: float = option(0.02, "s", "judgement: association by origin time alone")
    max_s_minus_p: float = option(40.0, "s", "judgement: association by origin time alone")
    origin_tolerance: float = option(0.1, "s", "judgement: error of an origin time from P and S")
    origin_tolerance_share: float = option(
        0.1, "share", "judgement: error of an origin time from a different vp/vs, as a share of S - P"
    )
    origin_tolerance_in_sds: float = option(
        3.0, "standard deviations", "judgement: error of an origin time from its picks"
    )
    assignment_in_sds: float = option(
        3.0, "standard deviations", "judgement: picks within it of predicted times belong to the event"
    )


@dataclass(frozen=True, kw_only=True)
class LocationOptions(Options):
    """Grid search, robust least squares and uncertainties of locations."""

    model_error: float = option(0.02, "share", "judgement: travel-time error of a given velocity model")
    estimated_model_error: float = option(0.03, "share", "judgement: the same for an estimated model")
    grid: tuple[int, int, int] = option((24, 24, 12), "nodes", "judgement: east, north and depth")
    n_starts: int = option(3, "starts", "judgement: best nodes of the grid from which a descent starts")
    max_grid_z: float = option(
        4.0, "standard deviations", "judgement: residuals of the grid search are cut at it"
    )
    max_z: float = option(
        5.0, "standard deviations", "judgement: picks beyond this robust residual are left out"
    )
    n_prior_picks: float = option(
        4.0, "picks", "judgement: weight of the stated errors in the residual scale"
    )
    max_steps: int = option(50, "steps", "judgement: the descent ends earlier")
    min_step: float = option(2e-4, "cells of the grid", "judgement: smaller steps end the descent")
    large_gap: float = option(180.0, "degrees", "convention: the epicentre is outside the stations")


@dataclass(frozen=True, kw_only=True)
class VelocityEstimationOptions(Options):
    """Velocity model from picks: preliminary events, and the search for vp."""

    assumed_vp: float = option(6.0, "km/s", "judgement: P in the crust, where the picks do not give it")
    initial_vps: tuple[float, ...] = option(
        (6.0, 4.0, 2.5),
        "km/s",
        "judgement: crust, sediments and weathered rock, if origin times give no events",
    )
    vp_range: tuple[float, float] = option((1.5, 8.0), "km/s", "judgement: water to the uppermost mantle")
    n_factors: int = option(9, "velocities", "judgement: coarse search")
    n_refined: int = option(5, "velocities", "judgement: search around the best coarse velocity")
    n_events: int = option(10, "events", "run time: the events with most picks are used")
    min_events: int = option(3, "events", "judgement: fewer from origin times are replaced by association")
    min_event_picks: int = option(6, "picks", "judgement: two more than a location has unknowns")
    model_error: float = option(0.01, "share", "judgement: travel-time error of a model with the right vp")
    min_sd: float = option(0.005, "s", "judgement: error of a pick in the misfit")
    max_z: float = option(4.0, "standard deviations", "judgement: residuals in the misfit are cut at it")
    equal_misfit: float = option(1.05, "1", "judgement: misfits within this factor count as equal")
    max_range: float = option(1.5, "1", "judgement: a wider range of equal velocities is weakly constrained")


@dataclass(frozen=True, kw_only=True)
class ClockErrorOptions(Options):
    """Evidence for the clock error of a station."""

    max_shift: float = option(30.0, "s", "judgement")
    min_shift: float = option(3.0, "tolerances", "judgement: smaller shifts may be errors of the model")
    min_events: int = option(4, "events", "judgement")
    min_share: float = option(0.6, "share", "judgement: of the events in the span that have the shift")
    max_share_on_time: float = option(
        0.5, "share", "judgement: events with picks at the predicted time, of those with the shift"
    )


@dataclass(frozen=True, kw_only=True)
class StationFaultOptions(Options):
    """Evidence for wrong coordinates of a station, and for a small error of its clock."""

    max_reach: float = option(1.0, "apertures", "judgement: positions farther away are not searched")
    max_steps: int = option(40, "steps", "run time: of the search from the coordinates outwards")
    max_events: int = option(60, "events", "run time: spread over the catalogue")
    min_events: int = option(5, "events", "judgement")
    min_share: float = option(0.6, "share", "judgement: of the events after which the station has picks")
    max_share_stated: float = option(
        0.4, "share", "judgement: events that fit the coordinates, of those that fit another position"
    )
    min_error: float = option(0.02, "s", "judgement: smallest standard error of a median residual")
    min_ratio: float = option(
        4.0,
        "1",
        "judgement: of a clock error to the residuals of the other stations, and to its standard error",
    )
    max_difference: float = option(
        0.35,
        "share",
        "judgement: of P and S residuals; slow rocks below a station give 0.5 with vp/vs of 1.73",
    )


@dataclass(frozen=True, kw_only=True)
class SignificanceOptions(Options):
    """Number of records with shifted stations."""

    n_shifts_range: tuple[int, int] = option((5, 20), "shifts", "judgement: p-values down to 1/6 and 1/21")
    max_shifted_picks: int = option(5000, "picks", "run time: more picks have fewer shifts")


@dataclass(frozen=True, kw_only=True)
class AmplitudeOptions(Options):
    """Windows and filters of amplitudes."""

    low_cut: tuple[float, float] = option(
        (0.3, 0.6), "Hz", "judgement: at lower frequencies, microseisms exceed the signal of a small event"
    )
    relative_low_cut: tuple[float, float] = option((0.8, 1.2), "Hz", "judgement: without a response")
    high_cut: tuple[float, float] = option((0.7, 0.9), "share of the Nyquist frequency", "judgement")
    min_window: float = option(2.0, "s", "judgement: of P to S, of the time after S, and of the margin")
    min_signal_to_noise: float = option(2.0, "1", "judgement")
    max_clipped_share: float = option(0.005, "share", "judgement: of samples with exactly the extreme value")


@dataclass(frozen=True, kw_only=True)
class MagnitudeOptions(Options):
    """Magnitudes of events from those of their stations."""

    n_rounds: int = option(20, "rounds", "judgement: the median polish has converged")
    single_station_error: float = option(
        0.3, "magnitudes", "judgement: typical scatter of stations around the magnitude of an event"
    )
    min_scatter: float = option(0.05, "magnitudes", "judgement: of three or more stations")


@dataclass(frozen=True, kw_only=True)
class LocateOptions(Options):
    """Settings of `locate_events`."""

    search_volume: SearchVolumeOptions = option_group(SearchVolumeOptions)
    association: AssociationOptions = option_group(AssociationOptions)
    location: LocationOptions = option_group(LocationOptions)
    velocity_estimation: VelocityEstimationOptions = option_group(VelocityEstimationOptions)
    wadati: WadatiOptions = option_group(WadatiOptions)
    clock_errors: ClockErrorOptions = option_group(ClockErrorOptions)
    station_faults: StationFaultOptions = option_group(StationFaultOptions)
    significance: SignificanceOptions = option_group(SignificanceOptions)
    amplitudes: AmplitudeOptions = option_group(AmplitudeOptions)
    magnitude: MagnitudeOptions = option_group(MagnitudeOptions)
