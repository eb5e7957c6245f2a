"""Sections of a page on velocity structure: maps, cross-sections, held-out arrivals, published model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from selfseis.report import wording
from selfseis.report.colour_scales import DIVERGING, Scale
from selfseis.report.results_folder import Results, finite, read_json
from selfseis.report.svg_plots import Axis, Plot

if TYPE_CHECKING:
    import xarray as xr


MAX_SIDE, MIN_SIDE = 430.0, 130.0
N_MAPS = 4
N_COLOURS = 41
NO_RAY = "#e9e9e6"
MAX_DOTS = 400


def structure_sections(results: Results) -> list[dict[str, Any]]:
    """Return the sections in the order of the page; what is missing in the folder is left out."""
    if not (results.folder / "model.nc").is_file():
        return []
    stored = results.dataset(results.folder / "model.nc")
    found = read_json(results, "summary.json")
    summary = found if isinstance(found, dict) else {}
    shown: list[dict[str, Any] | None] = [_overview(summary), _held_out(summary)] if summary else []
    if stored is not None:
        try:
            for end, wave in _fields(stored, summary):
                shown += _maps(stored, summary, end, wave)
            shown += [_cuts(stored), _ratio(stored), _published(stored, summary)]
        except (KeyError, ValueError, IndexError) as error:
            results.problem(results.folder / "model.nc", error)
    return [section for section in shown if section]


def _fields(stored: xr.Dataset, summary: dict[str, Any]) -> list[tuple[str, str]]:
    waves = summary.get("waves") or ["P"]
    return [(end, str(wave)) for end, wave in zip(("", "_s"), waves, strict=False) if f"dlnv{end}" in stored]


def _overview(summary: dict[str, Any]) -> dict[str, Any]:
    noise = summary.get("noise_s") or {}
    facts = [
        ("arrivals", wording.number(finite(summary.get("n_arrivals")), 7)),
        ("events", wording.number(finite(summary.get("n_events")), 7)),
        ("stations", wording.number(finite(summary.get("n_stations")), 7)),
        ("reference", str(summary.get("reference"))),
        ("cells", wording.number(finite(summary.get("n_cells")), 7)),
        *((f"noise of {wave}", f"{wording.number(finite(value), 2)} s") for wave, value in noise.items()),
    ]
    for wave, share in (summary.get("share_of_cells_hit") or {}).items():
        facts.append((f"cells with {wave} rays", wording.percent(finite(share) or 0.0)))
    for wave, share in (summary.get("mean_resolution_where_hit") or {}).items():
        facts.append((f"mean resolution in cells with {wave} rays", wording.number(finite(share), 2)))
    return {"name": "overview", "heading": "Data and model", "facts": facts}


def _held_out(summary: dict[str, Any]) -> dict[str, Any] | None:
    rows = []
    for name, found in (summary.get("held_out") or {}).items():
        gain = found.get("gain") or {}
        text = wording.measured(*(finite(gain.get(end)) for end in ("value", "low", "high")))
        word = wording.VERDICT_WORDS.get(str(found.get("verdict")), "")
        rows.append([f"{name}s", str(found.get("n_blocks")), text, word])
    if not rows:
        return None
    return {
        "name": "held-out",
        "heading": "Prediction of held-out arrivals",
        "lead": "Gain in explained variance over event and station terms, whose sizes were chosen on the same "
        "folds. Held-out events test the prediction of a new event along known paths. Held-out regions test the "
        "prediction where there was no event.",
        "table": {"columns": ["Held-out blocks", "Blocks", "Gain", "Verdict"], "rows": rows},
    }


def _maps(stored: xr.Dataset, summary: dict[str, Any], end: str, wave: str) -> list[dict[str, Any]]:
    """Return a section for each layer that is shown: the image, and how well it is known."""
    sections = []
    for layer in _layers(stored[f"ray_count{end}"]):
        title = _span(stored, layer)
        scale, spread = _scales(stored.isel(depth=[layer]), f"dlnv{end}", wave)
        left = _map(stored, f"dlnv{end}", layer, scale, end, f"{wave}-wave velocity, {title}")
        _dots(left, summary, stored, layer)
        right = _map(stored, f"sd{end}", layer, spread, end, f"its standard deviation, {title}")
        sections.append(
            {
                "name": f"map-{wave}-{layer}",
                "heading": f"{wave}-wave velocity from {title}",
                "plots": [
                    ("the image", scale.to_dict(), left.to_dict()),
                    ("its standard deviation", spread.to_dict(), right.to_dict()),
                ],
            }
        )
    sections[0]["lead"] = (
        "Blue is fast. Where the right map is darkest, the prior determines the image and not the data. "
        "Grey: no ray. Each layer has its own colour scales."
    )
    return sections


def _scales(stored: xr.Dataset, name: str, wave: str) -> tuple[Scale, Scale]:
    end = name.removeprefix("dlnv")
    hit = stored[f"ray_count{end}"].values > 0
    values, sd = stored[name].values, stored[f"sd{end}"].values
    reach = float(np.quantile(np.abs(values[hit]), 0.98)) if hit.any() else 1.0
    max_sd = float(np.quantile(sd[hit], 0.98)) if hit.any() else 1.0
    return (
        _fast_is_blue(f"{wave} velocity against the reference (%)", _rounded(reach)),
        Scale("standard deviation (%)", 0.0, _rounded(max_sd)),
    )


def _fast_is_blue(title: str, reach: float) -> Scale:
    """Return the scale that seismologists expect: blue is fast."""
    return Scale(title, -reach, reach, DIVERGING[::-1])


def _rounded(value: float) -> float:
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(m * power for m in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if m * power >= value * 0.999)


def _layers(count: xr.DataArray) -> list[int]:
    """Return the layers to show, evenly chosen from those with rays, the shallowest first."""
    crossed = np.flatnonzero((count.values > 0).mean(axis=(1, 2)) > 0.03)
    if not crossed.size:
        return [0]
    return [
        int(crossed[place])
        for place in np.unique(np.linspace(0, crossed.size - 1, N_MAPS).round().astype(int))
    ]


def _span(stored: xr.Dataset, layer: int) -> str:
    top, bottom = stored["depth_bounds"].values[layer]
    return f"{wording.number(float(top))} to {wording.number(float(bottom))} km"


def _edges(centres: np.ndarray) -> np.ndarray:
    half = np.diff(centres).mean() / 2 if centres.size > 1 else 0.5
    return np.append(centres - half, centres[-1] + half)


def _map(stored: xr.Dataset, name: str, layer: int, scale: Scale, end: str, label: str) -> Plot:
    order = np.argsort(stored["longitude"].values)
    east, north = _edges(stored["longitude"].values[order]), _edges(stored["latitude"].values)
    squeeze = max(math.cos(math.radians(float(np.mean(north)))), 0.05)
    wide, high = float(np.ptp(east)) * squeeze, float(np.ptp(north))
    unit = MAX_SIDE / max(wide, high)
    plot = Plot(
        Axis.between(
            "longitude (°)", float(east[0]), float(east[-1]), max(wide * unit, MIN_SIDE), max_ticks=5
        ),
        Axis.between(
            "latitude (°)", float(north[0]), float(north[-1]), max(high * unit, MIN_SIDE), max_ticks=5
        ),
        label,
    )
    values = np.where(stored[f"ray_count{end}"].values > 0, stored[name].values, np.nan)[layer][:, order]
    _fill(plot, values, east, north, scale)
    return plot


def _fill(plot: Plot, values: np.ndarray, across: np.ndarray, upwards: np.ndarray, scale: Scale) -> None:
    """Draw a raster; neighbours of one colour in a row are one rectangle."""
    outlines, colours, titles = [], [], []
    for row, line in enumerate(values):
        painted = [_colour(float(value), scale) for value in line]
        begin = 0
        for place in range(1, len(painted) + 1):
            if place == len(painted) or painted[place] != painted[begin]:
                corners = [(begin, row), (place, row), (place, row + 1), (begin, row + 1)]
                outlines.append([(float(across[i]), float(upwards[j])) for i, j in corners])
                colours.append(painted[begin])
                mean = float(np.mean(line[begin:place]))
                titles.append("no ray" if math.isnan(mean) else f"{wording.number(mean, 2)}%")
                begin = place
    plot.areas(outlines, colours, titles)


def _colour(value: float, scale: Scale) -> str:
    if math.isnan(value):
        return NO_RAY
    step = (scale.high - scale.low) / (N_COLOURS - 1)
    return scale.colour(scale.low + round((value - scale.low) / step) * step)


def _dots(plot: Plot, summary: dict[str, Any], stored: xr.Dataset, layer: int) -> None:
    """Add the events inside a layer, and on the first one also the stations."""
    top, bottom = stored["depth_bounds"].values[layer]
    shown = summary.get("shown") or {}
    events = [place for place in shown.get("events") or [] if len(place) == 3 and top <= place[2] < bottom]
    plot.dots([(x, y) for x, y, _ in events[:MAX_DOTS]], "event", radius=1.6)
    if events:
        plot.legend.append(("swatch-event", "event in this layer"))
    if layer == 0:
        stations = [(place[0], place[1]) for place in (shown.get("stations") or [])[:MAX_DOTS]]
        plot.dots(stations, "station", radius=3.0, kind="triangle")
        plot.legend.append(("swatch-station", "station"))


def _cuts(stored: xr.Dataset) -> dict[str, Any]:
    """Return two cross-sections where most rays are."""
    count = stored["ray_count"].values
    scale, _ = _scales(stored, "dlnv", "")
    scale = _fast_is_blue("velocity against the reference (%)", scale.high)
    depth = np.append(stored["depth_bounds"].values[:, 0], stored["depth_bounds"].values[-1, 1])
    values = np.where(count > 0, stored["dlnv"].values, np.nan)
    # Cells of a map are narrower near the poles, where one ray crosses many of them.
    squeeze = np.cos(np.radians(stored["latitude"].values))
    row = int(((count > 0).sum(axis=(0, 2)) * squeeze).argmax())
    column = int((count > 0).sum(axis=(0, 1)).argmax())
    order = np.argsort(stored["longitude"].values)
    cuts = [
        ("longitude (°)", stored["longitude"].values[order], values[:, row, :][:, order], "latitude", row),
        ("latitude (°)", stored["latitude"].values, values[:, :, column], "longitude", column),
    ]
    plots = []
    for title, along, part, fixed, place in cuts:
        across = _edges(along)
        plot = Plot(
            Axis.between(title, float(across[0]), float(across[-1]), MAX_SIDE, max_ticks=6),
            Axis.between("depth (km)", float(depth[0]), float(depth[-1]), 200.0, max_ticks=5),
            f"Section along {title}",
            downwards=True,
        )
        _fill(plot, part, across, depth, scale)
        at = wording.number(float(stored[fixed].values[place]))
        plots.append((f"at {fixed} {at}°", scale.to_dict(), plot.to_dict()))
    return {
        "name": "sections",
        "heading": "Sections through the most cells with rays",
        "lead": "Depth and distance have different scales. Grey: no ray.",
        "plots": plots,
    }


def _ratio(stored: xr.Dataset) -> dict[str, Any] | None:
    if "dln_vp_vs" not in stored:
        return None
    both = ((stored["ray_count"] > 0) & (stored["ray_count_s"] > 0)).astype(int)
    shown = stored.assign(ray_count_ratio=both)
    hit = both.values > 0
    reach = float(np.quantile(np.abs(stored["dln_vp_vs"].values[hit]), 0.98)) if hit.any() else 1.0
    scale = _fast_is_blue("Vp/Vs against the reference (%)", _rounded(reach))
    plots = []
    for layer in _layers(both)[:2]:
        plot = _map(shown, "dln_vp_vs", layer, scale, "_ratio", f"Vp/Vs, {_span(stored, layer)}")
        plots.append((_span(stored, layer), scale.to_dict(), plot.to_dict()))
    seen = np.abs(stored["dln_vp_vs"].values[hit]) > 2 * stored["sd_vp_vs"].values[hit]
    share = float(seen.mean()) if seen.size else 0.0
    return {
        "name": "ratio",
        "heading": "Vp/Vs",
        "lead": f"From P and S together. In {wording.percent(share)} of the cells with rays of both, the "
        "perturbation exceeds two standard deviations; about 5% are expected at random. Grey: no rays of both.",
        "plots": plots,
    }


def _published(stored: xr.Dataset, summary: dict[str, Any]) -> dict[str, Any] | None:
    about = summary.get("published")
    if "published" not in stored or not isinstance(about, dict):
        return None
    layer = _layers(stored["ray_count"])[min(1, len(_layers(stored["ray_count"])) - 1)]
    ours, theirs = (
        stored[name].values[layer][stored["ray_count"].values[layer] > 0] for name in ("dlnv", "published")
    )
    plots = []
    for name, words, values in (("dlnv", "this image", ours), ("published", str(about.get("name")), theirs)):
        reach = _rounded(float(np.quantile(np.abs(values), 0.98)) if values.size else 1.0)
        scale = _fast_is_blue("velocity perturbation (%)", reach)
        plots.append((words, scale.to_dict(), _map(stored, name, layer, scale, "", words).to_dict()))
    rows = [
        [
            wording.number(finite(entry.get("depth_km"))),
            wording.number(finite(entry.get("correlation")), 2),
            str(entry.get("n_cells")),
        ]
        for entry in about.get("layers") or []
    ]
    return {
        "name": "published",
        "heading": f"Comparison with {about.get('name')}",
        "lead": f"Correlation where there are rays: {wording.number(finite(about.get('correlation')), 2)}. "
        f"Both maps show {_span(stored, layer)}, each with its own colour scale. "
        "A published model is not the truth, so agreement with it is no proof.",
        "plots": plots,
        "table": {"columns": ["Depth (km)", "Correlation", "Cells with rays"], "rows": rows},
    }
