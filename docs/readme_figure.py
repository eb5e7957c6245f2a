"""Draw the picture of the README: ``python docs/readme_figure.py FIBRE.nc RESULTS``.

FIBRE.nc is a recording of a fibre, and RESULTS is the folder that ``selfseis run FIBRE.nc --out RESULTS`` wrote.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from PIL import Image

PICTURE = Path(__file__).parent / "images" / "readme.png"
BLUE, ORANGE = "#0072b2", "#d55e00"  # Okabe and Ito's
LIMIT = 8.0  # of the colour scale, in median amplitudes of a channel


def main() -> None:
    """Draw waveforms before and after denoising, and the score of the detector below."""
    buffer = BytesIO()
    draw(Path(sys.argv[1]), Path(sys.argv[2])).savefig(buffer, dpi=110)
    with Image.open(buffer) as image:
        image.convert("RGB").quantize(64).save(PICTURE, optimize=True)


def draw(recorded: Path, results: Path) -> plt.Figure:
    """Return the figure.

    Parameters
    ----------
    recorded : Path
        The recording, as NetCDF.
    results : Path
        The results of ``selfseis run`` on it.

    Returns
    -------
    Figure
        Two waterfalls with the same colour scale, and the detection score with its threshold.
    """
    with xr.open_dataset(recorded) as before, xr.open_dataset(results / "denoised.nc") as after:
        panels = {"recorded": before["waveforms"].load(), "denoised": after["waveforms"].load()}
    with xr.open_dataset(results / "timeline.nc") as dataset:
        timeline = dataset.load()
    start = panels["recorded"]["time"].values[0]
    amplitude = np.nanmedian(np.abs(panels["recorded"].values), axis=1, keepdims=True)
    figure, rows = plt.subplots(
        3, 1, figsize=(9.0, 6.6), sharex=True, height_ratios=[3, 3, 1.3], layout="constrained"
    )
    for axes, (title, waveforms) in zip(rows, panels.items(), strict=False):
        image = draw_waterfall(axes, waveforms, amplitude, start)
        axes.set_title(title, loc="left", fontsize=12, fontweight="bold")
    label = "strain rate, in median amplitudes\nof each channel as recorded"
    figure.colorbar(image, ax=rows[:2], label=label, pad=0.01, aspect=30)
    draw_score(rows[2], timeline, start)
    return figure


def draw_waterfall(
    axes: Axes, waveforms: xr.DataArray, amplitude: np.ndarray, start: np.datetime64
) -> AxesImage:
    """Draw waveforms over time and distance, each channel divided by its amplitude."""
    seconds = seconds_after(waveforms["time"].values, start)
    distance = waveforms["distance"].values
    extent = (seconds[0], seconds[-1], distance[-1], distance[0])
    axes.set_ylabel("distance along\nthe fibre (m)")
    values = waveforms.values / np.where(amplitude > 0, amplitude, np.nan)
    axes.set_facecolor("#d9d9d9")
    return axes.imshow(values, extent=extent, aspect="auto", cmap="RdBu_r", vmin=-LIMIT, vmax=LIMIT)


def draw_score(axes: Axes, timeline: xr.Dataset, start: np.datetime64) -> None:
    """Draw the score of the detector, and the threshold of the nominal rate of false alarms."""
    seconds = seconds_after(timeline["time"].values, start)
    threshold = float(timeline.attrs["threshold"])
    axes.plot(seconds, timeline["score"].values, color=BLUE)
    axes.axhline(threshold, color=ORANGE, linestyle="--")
    label = f"threshold at {timeline.attrs['false_alarms_per_day']:g} false alarm per day"
    axes.annotate(
        label, (seconds[-1], threshold), (-4, -13), textcoords="offset points", ha="right", color=ORANGE
    )
    axes.set(xlabel="time (s)", ylabel="score (s.d.\nof the null)", ylim=(0, None))
    axes.set_title("detection", loc="left", fontsize=12, fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)


def seconds_after(times: np.ndarray, start: np.datetime64) -> np.ndarray:
    """Return times in s after a start."""
    return np.asarray((times - start) / np.timedelta64(1, "s"))


if __name__ == "__main__":
    main()
