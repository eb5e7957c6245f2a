"""Options of travel-time tables: their accuracy, memory and run time."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.options import Options, option

_TAUP = "judgement; times agree with TauP to 3 ms"
_EXACT = "judgement; times agree with closed forms to 10 ms"


@dataclass(frozen=True, kw_only=True)
class RayTableOptions(Options):
    """Rays in a spherical earth."""

    n_first_rays: int = option(400, "rays", _TAUP)
    max_spacing_deg: float = option(
        0.12, "degrees", "judgement: more rays where the ends of two are farther apart"
    )
    max_rounds: int = option(10, "rounds", "judgement: rounds that add rays")
    shallow_km: float = option(150.0, "km", "judgement: layers are thinner above it")
    shallow_step_km: float = option(2.0, "km", _TAUP)
    deep_step_km: float = option(10.0, "km", _TAUP)
    branch_gap_deg: float = option(
        1.5, "degrees", "judgement: rays with ends farther apart form two branches"
    )
    max_local_deg: float = option(15.0, "degrees", "judgement: distances are denser up to it")
    local_step_deg: float = option(0.005, "degrees", _TAUP)
    far_step_deg: float = option(0.05, "degrees", _TAUP)
    n_curve_points: int = option(400, "points", "judgement: of each half ray, evenly spaced in time")


@dataclass(frozen=True, kw_only=True)
class LayeredOptions(Options):
    """First arrivals in flat layers."""

    n_distances: int = option(240, "distances", _EXACT)
    n_depths: int = option(90, "depths", _EXACT)
    n_layers: int = option(300, "layers", _EXACT)
    n_rays: int = option(200, "rays", _EXACT)
    distance_power: float = option(
        1.6, "1", "judgement: distances are denser near the station, where the travel-time curve bends most"
    )
