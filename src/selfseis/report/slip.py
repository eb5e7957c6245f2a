"""The sections of a page on slip: magnitude, slip maps, data fit and noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from selfseis.report import wording
from selfseis.report.colour_scales import Scale
from selfseis.report.fault_views import map_axes, slip_maps
from selfseis.report.results_folder import Results, finite, read_json
from selfseis.report.svg_plots import Axis, Plot

if TYPE_CHECKING:
    import xarray as xr

ARROW_SHARE = 0.22  # longest arrow, as a share of the network's width
PIXEL_RADIUS = 4.5
OUTLIERS = {
    "Gaussian": "The noise is Gaussian: less weight for outliers does not significantly improve the prediction of "
    "held-out data.",
    "Student's t": "The noise is Student's t: less weight for outliers significantly improves the prediction of "
    "held-out data. Outliers are listed below.",
}


def slip_sections(results: Results) -> list[dict[str, Any]]:
    """Return the sections in the order of the page, without those whose files are missing."""
    path = results.folder / "slip.nc"
    stored = results.dataset(path)
    summary = read_json(results, "summary.json") if (results.folder / "summary.json").is_file() else {}
    summary = summary if isinstance(summary, dict) else {}
    found: list[dict[str, Any] | None] = [_magnitude(summary), _held_out_types(summary)] if summary else []
    if stored is not None:
        try:
            found += [slip_maps(stored, summary), *_scenes(stored), _gnss(stored)]
        except (KeyError, ValueError, IndexError) as error:
            results.problem(path, error)
    found += [_depth(summary), _noise(summary)] if summary else []
    return [section for section in found if section]


def _magnitude(summary: dict[str, Any]) -> dict[str, Any]:
    value, low, high = (finite(summary.get(name)) for name in ("Mw", "Mw_low", "Mw_high"))
    level = wording.percent(finite(summary.get("Mw_level")) or 0.9)
    rigidity = summary.get("rigidity_gpa") or [None, None]
    return {
        "name": "magnitude",
        "heading": f"Mw {wording.measured(value, low, high)}",
        "lead": f"The {level} interval includes an error of "
        f"{wording.percent(finite(summary.get('rigidity_error')) or 0)} in the rigidity, and the error of the "
        "half-space model.",
        "facts": [
            ("moment", f"{wording.number(finite(summary.get('moment_nm')))} N m"),
            ("maximum slip", f"{wording.number(finite(summary.get('max_slip_m')))} m"),
            ("mean rake", f"{wording.number(finite(summary.get('mean_rake')))}°"),
            (
                "rigidity",
                f"{wording.number(finite(rigidity[0]), 2)} to {wording.number(finite(rigidity[1]), 2)} GPa",
            ),
            ("prior", str(summary.get("prior"))),
        ],
    }


def _held_out_types(summary: dict[str, Any]) -> dict[str, Any] | None:
    """Return the prediction of each data type from the others; None for older folders."""
    known = summary.get("held_out_types") or {}
    if not known.get("summary"):
        return None
    section: dict[str, Any] = {
        "name": "types",
        "heading": "Data types, held out one at a time",
        "lead": f"{known['summary']} The ramp of a held-out scene does not count, because other data cannot predict "
        "it.",
    }
    rows = []
    for one in known.get("types") or []:
        skill = [finite((one.get("variance_reduction") or {}).get(name)) for name in ("value", "low", "high")]
        rest = [wording.number(finite(one.get(name)), 2) for name in ("uniform_slip", "rms_m")]
        rows.append([str(one.get("kind")), ", ".join(one.get("predicted_from") or []),
                     wording.measured(*skill), *rest, str(one.get("predictable"))])  # fmt: skip
    columns = ["Held out", "predicted from", "variance reduction", "uniform slip", "rms (m)", "predictable"]
    return section | ({"table": {"columns": columns, "rows": rows}} if rows else {})


def _scenes(stored: xr.Dataset) -> list[dict[str, Any]]:
    kinds = stored["datum_kind"].values.astype(str)
    return [_scene(stored, kind, kinds == kind) for kind in sorted(set(kinds)) if kind.startswith("insar")]


def _scene(stored: xr.Dataset, kind: str, rows: Any) -> dict[str, Any]:
    longitude, latitude = stored["datum_longitude"].values[rows], stored["datum_latitude"].values[rows]
    observed, model, held_out = (
        stored[name].values[rows] for name in ("observed", "model", "held_out_prediction")
    )
    reach = float(np.quantile(np.abs(observed), 0.99)) or 1.0
    small = float(np.nanquantile(np.abs(observed - held_out), 0.98)) or reach
    parts = (
        ("Observed", observed, reach),
        ("Held-out prediction", held_out, reach),
        ("Observed minus model of all data", observed - model, small),
        ("Observed minus held-out prediction", observed - held_out, small),
    )
    plots = []
    for heading, values, limit in parts:
        scale = Scale.about_zero("towards the satellite (m)", limit)
        east, north = map_axes(longitude, latitude)
        plot = Plot(east, north, f"{heading}: {kind}")
        shown = np.flatnonzero(np.isfinite(values))
        points = [(float(longitude[row]), float(latitude[row])) for row in shown]
        plot.coloured_dots(points, [scale.colour(float(values[row])) for row in shown], radius=PIXEL_RADIUS)
        plots.append((heading, scale.to_dict(), plot.to_dict()))
    return {
        "name": kind.replace(" ", "-"),
        "heading": f"InSAR: {kind.removeprefix('insar ')}",
        "lead": "Every pixel was predicted once, while all data in its block of the map were held out.",
        "plots": plots,
    }


def _gnss(stored: xr.Dataset) -> dict[str, Any] | None:
    rows = np.flatnonzero(stored["datum_kind"].values.astype(str) == "gnss")
    if not rows.size:
        return None
    names = stored["datum_name"].values.astype(str)
    values: dict[str, dict[str, float]] = {name: {} for name in ("observed", "held_out_prediction")}
    place = {}
    for row in rows:
        place[names[row][:-2]] = (float(stored["datum_longitude"][row]), float(stored["datum_latitude"][row]))
        for name, of_name in values.items():
            of_name[names[row]] = float(stored[name][row])
    return {
        "name": "gnss",
        "heading": "GNSS",
        "lead": "Black: observed. Orange: predicted while the site and all data near it were held out.",
        "plots": [
            ("Horizontal", None, _arrows(place, values, ("E", "N"))),
            ("Vertical", None, _arrows(place, values, (None, "U"))),
        ],
    }


def _arrows(
    place: dict[str, tuple[float, float]],
    values: dict[str, dict[str, float]],
    components: tuple[str | None, str],
) -> dict[str, Any]:
    longitude, latitude = (np.array(column) for column in zip(*place.values(), strict=True))
    span = max(float(np.ptp(longitude)), float(np.ptp(latitude)), 0.1)
    room = ARROW_SHARE * span
    squeeze = math.cos(math.radians(float(latitude.mean())))
    east, north = map_axes(
        np.concatenate([longitude - room / squeeze, longitude + room / squeeze]),
        np.concatenate([latitude - room, latitude + room]),
    )
    largest = max(
        (abs(value) for name, value in values["observed"].items() if name[-1] in components), default=1
    )
    plot = Plot(east, north, "Displacement of GNSS sites")
    for style, of_style in (("observed", values["observed"]), ("predicted", values["held_out_prediction"])):
        for site, (x, y) in place.items():
            moved = [0.0 if part is None else of_style.get(f"{site} {part}", 0.0) for part in components]
            if all(math.isfinite(value) for value in moved):
                scale = room / (largest or 1.0)
                tip = (x + scale * moved[0] / math.cos(math.radians(y)), y + scale * moved[1])
                plot.line([(x, y), tip], style)
    plot.dots(list(place.values()), "station", radius=3.5, titles=list(place))
    plot.legend += [("swatch-observed", f"observed (longest {wording.number(largest, 2)} m)")]
    plot.legend += [("swatch-predicted", "held-out prediction")]
    return plot.to_dict()


def _depth(summary: dict[str, Any]) -> dict[str, Any] | None:
    slices = summary.get("moment_by_depth") or []
    if not slices:
        return None
    deepest = max(row["bottom_km"] for row in slices)
    most = max(row["high"] for row in slices) or 1.0
    power = 10 ** math.floor(math.log10(most))
    plot = Plot(
        Axis.between(f"moment (10^{round(math.log10(power))} N m)", 0.0, 1.08 * most / power, 330),
        Axis.between("depth (km)", 0.0, deepest, 300),
        "Moment against depth",
        downwards=True,
    )
    for row in slices:
        top, bottom = row["top_km"], row["bottom_km"]
        middle = (top + bottom) / 2
        box = [(0.0, top), (row["moment_nm"] / power, top), (row["moment_nm"] / power, bottom), (0.0, bottom)]
        plot.areas([box], ["#56b4e9"], [f"{wording.number(row['moment_nm'])} N m"])
        plot.line([(row["low"] / power, middle), (row["high"] / power, middle)], "observed")
    plot.legend.append(("swatch-observed", "68% interval"))
    return {
        "name": "depth", "heading": "Moment by depth", "lead": "", "plots": [("", None, plot.to_dict())],
    }  # fmt: skip


def _noise(summary: dict[str, Any]) -> dict[str, Any]:
    scenes, checks = summary.get("insar_noise") or {}, summary.get("sign_checks") or []
    scales = summary.get("noise_scales") or {}
    rows = []
    for kind, scale in scales.items():
        found = scenes.get(kind) or {}
        sign = next((check["reason"] for check in checks if kind.endswith(str(check.get("scene")))), "")
        cells = [finite(found.get(name)) for name in ("nugget_m", "sill_m", "range_km")]
        millimetres = [wording.number(None if cell is None else 1000 * cell, 2) for cell in cells[:2]]
        rows.append([kind, wording.number(finite(scale), 2), *millimetres, wording.number(cells[2], 2), sign])
    return {
        "name": "noise",
        "heading": "Noise estimates",
        "lead": "The scale is the ratio of the residuals to the stated errors. It often exceeds 1, because the "
        "Earth is not an elastic half-space and the fault is not a set of planes. "
        f"{OUTLIERS.get(str(summary.get('noise_model')), '')}",
        "table": {
            "columns": ["Data", "scale", "nugget (mm)", "sill (mm)", "range (km)", "sign"],
            "rows": rows,
            "cell": "",
        },
    }  # fmt: skip
