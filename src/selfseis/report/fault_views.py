"""Plots of slip on a fault: a map, or a section along strike of a steep fault."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from selfseis.geo.sphere import KM_PER_DEGREE
from selfseis.report import wording
from selfseis.report.colour_scales import Scale
from selfseis.report.results_folder import finite
from selfseis.report.svg_plots import Axis, Plot

if TYPE_CHECKING:
    import xarray as xr

MAX_SIDE, MIN_SIDE = 430.0, 170.0  # pixels
STEEP_DEGREES = 65.0  # on a map, the patches of a steeper fault would be too narrow to see
MIN_SHOWN_SLIP = 0.1  # directions are drawn on patches with at least this share of the maximum slip
ARROW_LENGTH = 0.8  # patch sizes, at the maximum slip


def map_axes(longitude: Any, latitude: Any) -> tuple[Axis, Axis]:
    """Return axes on which a kilometre has the same length eastwards and northwards."""
    squeeze = max(math.cos(math.radians(float(np.mean(latitude)))), 0.05)
    wide = max(float(np.ptp(longitude)) * squeeze * 1.06, 1e-3)
    high = max(float(np.ptp(latitude)) * 1.06, 1e-3)
    span = max(wide, high)
    wide, high = max(wide, 0.4 * span), max(high, 0.4 * span)
    middle_x = float(np.min(longitude) + np.max(longitude)) / 2
    middle_y = float(np.min(latitude) + np.max(latitude)) / 2
    scale = MAX_SIDE / span
    half = wide / squeeze / 2
    return (
        Axis.between("longitude (°)", middle_x - half, middle_x + half, wide * scale, max_ticks=4),
        Axis.between("latitude (°)", middle_y - high / 2, middle_y + high / 2, high * scale, max_ticks=6),
    )


def _is_steep(stored: xr.Dataset) -> bool:
    """Return whether the fault is so steep that a section shows it better than a map."""
    return float(stored["dip"].median()) > STEEP_DEGREES


def _along_strike(stored: xr.Dataset, longitude: Any, latitude: Any) -> Any:
    """Return the distance of places along the mean strike in km, from the middle of the fault."""
    turn = np.exp(1j * np.radians(stored["strike"].values)).mean()
    middle_x, middle_y = (float(stored[f"corner_{name}"].mean()) for name in ("longitude", "latitude"))
    east = (longitude - middle_x) * math.cos(math.radians(middle_y))
    return KM_PER_DEGREE * (east * turn.imag + (latitude - middle_y) * turn.real) / max(abs(turn), 1e-6)


def _patches(stored: xr.Dataset) -> tuple[list[list[tuple[float, float]]], tuple[Axis, Axis]]:
    """Return outlines of the patches, and axes: a map, or a section along strike of a steep fault."""
    across, down = stored["corner_longitude"].values, stored["corner_latitude"].values
    axes = map_axes(across[np.isfinite(across)], down[np.isfinite(down)])
    if _is_steep(stored):
        across, down = _along_strike(stored, across, down), stored["corner_depth"].values
        known = across[np.isfinite(across)]
        axes = (
            Axis.between("along strike (km)", float(known.min()), float(known.max()), MAX_SIDE, max_ticks=5),
            Axis.between("depth (km)", 0.0, float(np.nanmax(down)), MIN_SIDE, max_ticks=4),
        )
    outlines = [
        [(float(x), float(y)) for x, y in zip(*corners, strict=True) if math.isfinite(x)]
        for corners in zip(across, down, strict=True)
    ]
    return outlines, axes


def _fault_map(stored: xr.Dataset, name: str, scale: Scale, label: str) -> Plot:
    outlines, (east, north) = _patches(stored)
    values = stored[name].values
    plot = Plot(east, north, label, downwards=_is_steep(stored))
    titles = [f"{scale.title}: {wording.number(float(value))}" for value in values]
    plot.areas(outlines, [scale.colour(float(value)) for value in values], titles)
    return plot


def slip_maps(stored: xr.Dataset, summary: dict[str, Any]) -> dict[str, Any]:
    """Return the section of the page that shows slip, its standard deviation and its resolution.

    Parameters
    ----------
    stored : xarray.Dataset
        ``slip.nc``.
    summary : dict
        ``summary.json``.
    """
    top = float(stored["slip"].max()) or 1.0
    scales = {
        "slip": Scale("slip (m)", 0.0, top),
        "slip_sd": Scale("standard deviation of slip (m)", 0.0, float(stored["slip_sd"].max()) or 1.0),
        "resolution": Scale("resolution", 0.0, 1.0),
    }
    view = "Section" if _is_steep(stored) else "Map"
    maps = {name: _fault_map(stored, name, scale, f"{view}: {scale.title}") for name, scale in scales.items()}
    draw_directions = _draw_directions_in_section if _is_steep(stored) else _draw_directions_on_map
    draw_directions(maps["slip"], stored, top)
    headings = {"slip": "Slip", "slip_sd": "Standard deviation", "resolution": "Resolution"}
    return {
        "name": "slip",
        "heading": "Slip, standard deviation and resolution",
        "lead": "Lines show the direction in which the hanging wall moved. Where the resolution is near 1, the data "
        "determine the slip. Where it is near 0, the prior determines it, and the standard deviation depends on the "
        f"same prior.{_oracle_sentence(summary)}",
        "plots": [(headings[name], scales[name].to_dict(), maps[name].to_dict()) for name in scales],
    }


def _oracle_sentence(summary: dict[str, Any]) -> str:
    limit = finite((summary.get("oracle") or {}).get("correlation"))
    if limit is None:
        return ""
    return (
        " Slip drawn from the prior and simulated on this geometry is recovered with a correlation of "
        f"{wording.number(limit, 2)}. No method can expect a higher one."
    )


def _draw_directions_on_map(plot: Plot, stored: xr.Dataset, top: float) -> None:
    """Draw the horizontal direction in which the hanging wall moved, on patches with clear slip."""
    step = ARROW_LENGTH * math.sqrt(float(stored["area_km2"].median())) / KM_PER_DEGREE
    columns = [stored[name].values for name in ("slip", "rake", "strike", "dip")]
    longitude, latitude = (
        stored[f"corner_{name}"].mean("corner").values for name in ("longitude", "latitude")
    )
    for place, (slip, rake, strike, dip) in enumerate(zip(*columns, strict=True)):
        if slip > MIN_SHOWN_SLIP * top:
            along, up = (
                math.cos(math.radians(rake)),
                math.sin(math.radians(rake)) * math.cos(math.radians(dip)),
            )
            turn = math.radians(strike)
            east = along * math.sin(turn) - up * math.cos(turn)
            north = along * math.cos(turn) + up * math.sin(turn)
            size = step * slip / top
            x, y = float(longitude[place]), float(latitude[place])
            plot.line([(x, y), (x + size * east / math.cos(math.radians(y)), y + size * north)], "observed")


def _draw_directions_in_section(plot: Plot, stored: xr.Dataset, top: float) -> None:
    """Draw the direction in which the hanging wall moved along strike and upwards, on patches with clear slip."""
    step = ARROW_LENGTH * math.sqrt(float(stored["area_km2"].median()))
    x = _along_strike(
        stored, *(stored[f"corner_{name}"].mean("corner").values for name in ("longitude", "latitude"))
    )
    columns = [stored[name].values for name in ("depth_km", "slip", "rake", "strike")]
    mean = math.degrees(float(np.angle(np.exp(1j * np.radians(columns[-1])).mean())))
    for place, depth, slip, rake, strike in zip(x, *columns, strict=True):
        if slip > MIN_SHOWN_SLIP * top:
            size, turn = step * slip / top, math.radians(rake)
            ahead = size * math.cos(turn) * math.copysign(1.0, math.cos(math.radians(strike - mean)))
            tip = (float(place + ahead), float(depth - size * math.sin(turn)))
            plot.line([(float(place), float(depth)), tip], "observed")
