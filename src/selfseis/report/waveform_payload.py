"""Pack waveforms and time series small enough to travel inside one page."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from selfseis.typing import Float32Array

if TYPE_CHECKING:
    import numpy.typing as npt
    import xarray as xr

    Waveforms = Float32Array


COLOUR_PERCENTILE = 99.0
WIGGLE_PERCENTILE = 99.9
MAX_WIGGLES = 48
MAX_TIMELINE_BINS = 6000
MAX_COVERAGE_BINS = 1500
CHANNELS_FOR_WATERFALL_ON_FIBRE = 9


def snippet_payload(snippet: xr.Dataset, max_pixels: int) -> dict[str, Any]:
    """Pack one before/after snippet for the page.

    Amplitudes travel as signed square roots in 8 bits (waterfalls) or 16 bits (wiggles).
    Where there are more samples than `max_pixels`, a block of samples is shown by its largest amplitude.

    Parameters
    ----------
    snippet : xr.Dataset
        Variables ``before`` and, where denoised, ``after``, each (channel, time), NaN = no data; coordinates
        ``time`` and ``distance`` (m) or ``seed_id``.
    max_pixels : int
        Most values to keep over all panels.

    Returns
    -------
    dict
        Ready for JSON; read by ``waveforms.js``.

    Raises
    ------
    ValueError
        If the snippet has no samples.
    """
    panels = _panels(snippet)
    before = panels["before"]
    if before.size == 0:
        raise ValueError("the snippet has no samples")
    fibre = "distance" in snippet.coords
    wiggles = len(before) < CHANNELS_FOR_WATERFALL_ON_FIBRE if fibre else len(before) <= MAX_WIGGLES
    per_row, per_column = _block(before.shape, max_pixels // len(panels), keep_rows=wiggles)
    panels = {name: block_maxima(panel, per_row, per_column) for name, panel in panels.items()}
    start, step = _regular_times(snippet["time"].values)
    shape = panels["before"].shape
    return {
        "kind": "wiggles" if wiggles else "waterfall",
        "shape": shape,
        "start": start,
        "step": step * per_column,
        "rows": _row_labels(snippet, len(before), per_row),
        "rowTitle": "distance along the fibre (m)" if fibre else "channel (number)",
        "units": str(snippet.attrs.get("units") or "unit not given"),
        "title": str(snippet.attrs.get("title", "")),
        "clip": _robust_peak(panels["before"], COLOUR_PERCENTILE),
        "rowScales": [_robust_peak(row, WIGGLE_PERCENTILE) for row in panels["before"]] if wiggles else [],
        "block": [per_row, per_column],
        "panels": [_encode(name, panel, wiggles) for name, panel in panels.items()],
    }


def block_maxima(data: Waveforms, per_row: int, per_column: int) -> Waveforms:
    """Show each block of samples by its sample of largest amplitude, sign kept.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_samples)
        NaN = no data.
    per_row, per_column : int
        Channels and samples in a block.

    Returns
    -------
    ndarray, shape (ceil(n_channels / per_row), ceil(n_samples / per_column))
        NaN only where a whole block is NaN.
    """
    if per_row == per_column == 1:
        return data
    n_rows, n_columns = -(-data.shape[0] // per_row), -(-data.shape[1] // per_column)
    padding = ((0, n_rows * per_row - data.shape[0]), (0, n_columns * per_column - data.shape[1]))
    padded = np.pad(data, padding, constant_values=np.nan)
    blocks = padded.reshape(n_rows, per_row, n_columns, per_column)
    samples = blocks.swapaxes(1, 2).reshape(n_rows, n_columns, per_row * per_column)
    largest = np.argmax(np.where(np.isnan(samples), -1, np.abs(samples)), axis=2)
    return np.take_along_axis(samples, largest[:, :, None], axis=2)[:, :, 0]


def timeline_payload(timeline: xr.Dataset) -> dict[str, Any]:
    """Pack the detector's score through time and the share of data present.

    Parameters
    ----------
    timeline : xr.Dataset
        ``score`` (time) and, optional, ``baseline_score`` (time) and ``coverage`` (group, bin), with
        attributes ``threshold``, ``score_name``, ``false_alarms_per_day``.

    Returns
    -------
    dict
        Ready for JSON; read by ``timeline.js``. A bin of a long series keeps its largest score.
    """
    payload: dict[str, Any] = {
        "scoreName": str(timeline.attrs.get("score_name", "score")),
        "baselineName": str(timeline.attrs.get("baseline_name", "baseline score")),
        "threshold": _number(timeline.attrs.get("threshold")),
        "falseAlarmsPerDay": _number(timeline.attrs.get("false_alarms_per_day")),
    }
    for name in ("score", "baseline_score"):
        if name in timeline and timeline[name].size:
            payload[name] = _series(timeline["time"].values, timeline[name].values)
    if "coverage" in timeline and timeline["coverage"].size:
        payload["coverage"] = _coverage(timeline["coverage"].transpose("group", "bin"))
    return payload


def _panels(snippet: xr.Dataset) -> dict[str, Waveforms]:
    panels = {}
    for name in ("before", "after"):
        if name in snippet:
            values = snippet[name].transpose("channel", "time").values.astype(np.float32)
            panels[name] = np.where(np.isfinite(values), values, np.float32(np.nan))
    if "before" not in panels:
        raise ValueError("the snippet has no variable 'before'")
    if "after" in panels:
        panels["removed"] = panels["before"] - panels["after"]
    return panels


def _block(shape: tuple[int, ...], max_pixels: int, *, keep_rows: bool) -> tuple[int, int]:
    """Channels and samples to draw as one, so that the picture stays about three times as long as high."""
    per_row = per_column = 1
    while (n_rows := -(-shape[0] // per_row)) * (n_columns := -(-shape[1] // per_column)) > max_pixels:
        if (keep_rows or n_columns > 3 * n_rows) and n_columns > 1:
            per_column += 1
        elif n_rows > 1:
            per_row += 1
        else:
            break
    return per_row, per_column


def _regular_times(times: npt.NDArray[np.datetime64]) -> tuple[float, float]:
    nanoseconds = times.astype("datetime64[ns]").astype(np.int64)
    step = (nanoseconds[-1] - nanoseconds[0]) / max(1, len(nanoseconds) - 1) / 1e9
    return float(nanoseconds[0] / 1e9), float(step) or 1.0


def _row_labels(snippet: xr.Dataset, n_channels: int, per_row: int) -> list[float] | list[str]:
    if "distance" in snippet.coords:
        distance = snippet["distance"].values.astype(float)
        blocks = np.split(distance, range(per_row, n_channels, per_row))
        return [round(float(block.mean()), 3) for block in blocks]
    if "seed_id" in snippet.coords:
        return [str(name) for name in snippet["seed_id"].values[::per_row]]
    return [str(number) for number in range(0, n_channels, per_row)]


def _robust_peak(values: Waveforms, percentile: float) -> float:
    """Return a percentile of the amplitudes, or their peak where most of the data are zero."""
    amplitudes = np.abs(values[~np.isnan(values)])
    if amplitudes.size == 0:
        return 1.0
    return float(np.percentile(amplitudes, percentile)) or float(amplitudes.max()) or 1.0


def _encode(name: str, panel: Waveforms, wiggles: bool) -> dict[str, Any]:
    levels, integer = (32767, np.dtype("<i2")) if wiggles else (127, np.dtype("i1"))
    present = ~np.isnan(panel)
    peak = float(np.abs(panel[present]).max()) if present.any() else 0.0
    packed = np.full(panel.shape, -levels - 1, dtype=integer)
    shares = panel[present] / (peak or 1.0)
    packed[present] = np.rint(np.sign(shares) * np.sqrt(np.abs(shares)) * levels)
    data = base64.b64encode(zlib.compress(packed.tobytes())).decode("ascii")
    return {"name": name, "peak": peak, "levels": levels, "data": data}


def _series(times: npt.NDArray[np.datetime64], values: npt.NDArray[np.floating[Any]]) -> dict[str, Any]:
    n_bins = min(len(times), MAX_TIMELINE_BINS)
    seconds = times.astype("datetime64[ns]").astype(np.int64) / 1e9
    span = float(seconds[-1] - seconds[0]) or 1.0
    bins = np.rint((seconds - seconds[0]) / span * (n_bins - 1)).astype(int)
    largest = np.full(n_bins, np.nan)
    np.fmax.at(largest, bins, np.where(np.isfinite(values), values, np.nan))
    return {
        "start": float(seconds[0]),
        "step": span / max(1, n_bins - 1),
        "values": [_number(value) for value in largest],
    }


def _coverage(coverage: xr.DataArray) -> dict[str, Any]:
    seconds = coverage["bin"].values.astype("datetime64[ns]").astype(np.int64) / 1e9
    width = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.0
    edges = np.append(seconds, seconds[-1] + width)
    n_bins = min(len(seconds), MAX_COVERAGE_BINS)
    first = np.linspace(0, len(seconds), n_bins, endpoint=False).astype(int)
    sums = np.add.reduceat(np.nan_to_num(coverage.values.astype(float)), first, axis=1)
    fractions = sums / np.diff(np.append(first, len(seconds)))
    return {
        "groups": [str(group) for group in coverage["group"].values],
        "edges": [round(float(edge), 3) for edge in edges[np.append(first, len(seconds))]],
        "fractions": np.round(fractions, 3).tolist(),
    }


def _number(value: object) -> float | None:
    number = float(value) if isinstance(value, int | float | np.number) else float("nan")
    return float(f"{number:.4g}") if np.isfinite(number) else None
