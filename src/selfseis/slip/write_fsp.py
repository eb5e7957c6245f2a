"""Writer of slip models as ``.fsp``, the format of SRCMOD and of the USGS."""

from __future__ import annotations

import math

import numpy as np

from selfseis.slip.estimator import SlipInversion
from selfseis.slip.fault import Fault, mean_angle
from selfseis.typing import FloatArray, IntArray

COLUMNS = "% LAT LON X==EW Y==NS Z SLIP RAKE SLIP_SD SF_MOMENT"


def sides_km(fault: Fault, patch: int) -> dict[str, float]:
    """Return length and width of a rectangle; an empty dict for a triangle."""
    outline = fault.outlines_km[patch]
    if len(outline) != 4:
        return {}
    length, width = np.linalg.norm(outline[1] - outline[0]), np.linalg.norm(outline[2] - outline[1])
    return {"length_km": float(length), "width_km": float(width)}


def fsp_text(inversion: SlipInversion) -> str:
    """Return the text of the ``.fsp`` file of an inversion, with coordinates of patch centres as in USGS files.

    Triangles are written as squares of the same area about their centre, because the format has rectangles only.
    """
    fault = inversion.prepared_.fault
    sides = [
        sides_km(fault, patch) or dict.fromkeys(("length_km", "width_km"), math.sqrt(area))
        for patch, area in enumerate(fault.area_km2)
    ]
    length, width = (np.array([side[name] for side in sides]) for name in ("length_km", "width_km"))
    weight = inversion.slip_.amount * fault.area_km2 + 1e-12
    origin = np.average(fault.centres_km, axis=0, weights=weight)
    lines = _header(inversion, weight, origin, length, width)
    segments = np.unique(fault.segment)
    for segment in segments:
        inside = np.flatnonzero(fault.segment == segment)
        if len(segments) > 1:
            lines += [
                f"% SEGMENT # {segment + 1}: STRIKE = {mean_angle(fault.strike[inside], weight[inside]) % 360:.2f} deg"
                f" DIP = {fault.dip[inside].mean():.2f} deg",
                f"% Dx = {length[inside].mean():.5f} km Dz = {width[inside].mean():.5f} km",
                f"% Nsbfs = {len(inside)} subfaults",
            ]
        lines += [COLUMNS, *_rows(inversion, inside, origin)]
    return "\n".join(lines) + "\n"


def _header(
    inversion: SlipInversion,
    weight: FloatArray,
    origin: FloatArray,
    length: FloatArray,
    width: FloatArray,
) -> list[str]:
    fault, magnitude = inversion.prepared_.fault, inversion.magnitude_
    longitude, latitude = fault.local_map.to_degrees(origin[None, :2])
    extent = np.ptp(fault.in_plane_km, axis=0) + np.array([length.mean(), width.mean()])
    strike, rake = (mean_angle(values, weight) for values in (fault.strike, inversion.slip_.rake))
    dip = np.average(fault.dip, weights=weight)
    return [
        "% ---------------------------------- FINITE-SOURCE RUPTURE MODEL ----------------------------------",
        "%",
        "% Event : inverted by selfseis",
        f"% Loc  : LAT = {latitude[0]:.4f}  LON = {longitude[0]:.4f}  DEP = {-origin[2]:.2f}",
        f"% Size : LEN = {extent[0]:.3f} km  WID = {extent[1]:.3f} km"
        f"  Mw = {magnitude.value:.3f}  Mo = {magnitude.moment_nm:.4e} Nm",
        f"% Mech : STRK = {strike % 360:.2f} DIP = {dip:.2f} RAKE = {rake:.2f}  Htop = {fault.top_km.min():.3f} km",
        f"% Invs : Dx = {length.mean():.5f} km  Dz = {width.mean():.5f} km",
        f"% Invs : Ntw = 1  Nsg = {len(np.unique(fault.segment))}     (# of time-windows,# of fault segments)",
        "%",
        "% SOURCE MODEL PARAMETERS",
        f"% Nsbfs = {len(fault)} subfaults",
        "% X,Y,Z coordinates in km; SLIP and its standard deviation SLIP_SD in m; RAKE in deg; SF_MOMENT in N m",
        "% Coordinates are given for center of each subfault or segment: |'|",
        f"% Origin of local coordinate system: LAT = {latitude[0]:.4f} LON = {longitude[0]:.4f}",
    ]


def _rows(inversion: SlipInversion, inside: IntArray, origin: FloatArray) -> list[str]:
    fault, slip = inversion.prepared_.fault, inversion.slip_
    moment = inversion.rigidity_ * fault.area_km2 * 1e6 * slip.amount
    rows = []
    for patch in inside:
        longitude, latitude, depth = fault.centres[patch]
        east, north = fault.centres_km[patch, :2] - origin[:2]
        rows.append(
            f" {latitude:10.5f} {longitude:11.5f} {east:10.4f} {north:10.4f} {depth:9.4f}"
            f" {slip.amount[patch]:9.4f} {slip.rake[patch]:9.4f} {inversion.slip_sd_[patch]:9.4f}"
            f" {moment[patch]:.4e}"
        )
    return rows
