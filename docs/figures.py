"""Draw the figures of the documentation: ``python docs/figures.py``.

All but the curves of benchmarks are simulated, so that the truth is known and they can be drawn again by anyone.
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from PIL import Image

from selfseis import Denoiser, Detector
from selfseis.recording import sampling_rate
from selfseis.simulate import default_band, simulate_noise_recording, simulate_recording_with_events
from selfseis.validation import Interval
from selfseis.validation.false_alarms import peaks

IMAGES = Path(__file__).parent / "images"
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#5b6168"  # Okabe and Ito's, and a grey
GAUGE = 8  # channels of one gauge length
RATE = 50.0  # Hz

plt.rcParams.update(
    {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GREY,
        "figure.dpi": 120,
        "legend.frameon": False,
    }
)


def main() -> None:
    """Draw all figures."""
    IMAGES.mkdir(exist_ok=True)
    for name, draw in {
        "blind_zone": blind_zone,
        "null": null,
        "before_after": before_after,
        "own_observation": own_observation,
        "wavenumbers": wavenumbers,
        "limits": limits,
    }.items():
        figure = draw()
        _save_small(figure, IMAGES / f"{name}.png")
        plt.close(figure)


def blind_zone() -> plt.Figure:
    """Skill on hidden channels against the width of the blind zone, for noise alone and noise with events."""
    noise = simulate_noise_recording(
        "gauge", "fibre", 0.1, RATE, 64, 1, gauge_channels=GAUGE, channel_spacing=2.0
    )
    events, _ = simulate_recording_with_events(noise, 6.0, 12, seed=2, distances=(10e3, 20e3))
    widths = range(13)
    figure, axes = plt.subplots(figsize=(6.4, 3.6))
    _draw_skill(axes, widths, [_skill(events, w) for w in widths], ORANGE, "s", "noise and twelve events")
    _draw_skill(axes, widths, [_skill(noise, w) for w in widths], BLUE, "o", "noise alone")
    measured = Denoiser("ridge").fit(noise).blind_zone_
    axes.axvline(measured, color=GREY, linestyle=":", linewidth=1.2)
    axes.annotate("measured\nfrom the noise", (measured + 0.15, 0.12), color=GREY)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(
        xlabel="half-width of the blind zone (channels)", ylabel="variance explained on held-out channels"
    )
    axes.legend()
    return figure


def null() -> plt.Figure:
    """Rate of declustered peaks against score: surrogates, their tail, the threshold, and the recording."""
    noise = simulate_noise_recording("gauge", "fibre", 2.0, 25.0, 32, seed=3, gauge_channels=4)
    recording, _ = simulate_recording_with_events(noise, (-10.0, -6.0, -3.0), 12, seed=4)
    detector = Detector(false_alarms_per_day=1.0).fit(recording)
    days = np.isfinite(detector.scan_.score).sum() * detector.scan_.hop / sampling_rate(recording) / 86400
    score = detector.scan_.score - detector.background_
    found = np.sort(score[peaks(score, detector.model_.apart)])[::-1]
    heights = detector.false_alarm_rate_.heights
    figure, axes = plt.subplots(figsize=(6.4, 3.8))
    axes.step(found, np.arange(1, len(found) + 1) / days, color=ORANGE, where="post", label="recording")
    ranks = np.arange(1, len(heights) + 1) / detector.false_alarm_rate_.days
    axes.step(heights, ranks, color=BLUE, where="post", label="surrogates, counted")
    grid = np.linspace(
        heights[detector.false_alarm_rate_.min_tail], detector.false_alarm_rate_.threshold(0.5), 50
    )
    axes.plot(
        grid,
        detector.false_alarm_rate_.rate(grid),
        color=BLUE,
        linestyle="--",
        label="surrogates, extrapolated",
    )
    threshold = detector.threshold_ - detector.background_
    axes.axhline(1.0, color=GREY, linewidth=0.8)
    axes.axvline(threshold, color=GREY, linestyle=":", linewidth=1.2)
    axes.annotate("threshold for\none false alarm per day", (threshold + 0.2, 8), color=GREY)
    axes.set(
        yscale="log",
        xlabel="score (standard deviations of the null)",
        ylabel="peaks per day at or above the score",
    )
    axes.set_xlim(0, min(found[0] + 1, 4 * threshold))
    axes.legend(loc="upper right")
    return figure


def before_after() -> plt.Figure:
    """Waterfalls of a simulated earthquake: as recorded, denoised, and as it is without noise."""
    noise = simulate_noise_recording(
        "gauge", "fibre", 0.04, RATE, 96, 5, gauge_channels=GAUGE, channel_spacing=2.0
    )
    recording, events = simulate_recording_with_events(noise, 0.0, 4, seed=7, distances=(20e3, 25e3))
    event = events[0]
    denoiser = Denoiser("ridge", band=default_band(RATE)).fit(recording)
    window = slice(event.first_sample, event.first_sample + event.n_samples)
    truth = recording.isel(time=window) - noise.isel(time=window)
    panels = {
        f"recorded (SNR {event.snr_db:g} dB)": recording.isel(time=window),
        "denoised": denoiser.transform(recording).isel(time=window),
        "without noise": truth,
    }
    figure, row = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True, layout="constrained")
    for axes, (title, data) in zip(row, panels.items(), strict=True):
        axes.set_title(_with_correlation(title, data, truth), fontsize=10)
        image = _draw_waterfall(axes, data.values, recording["distance"].values)
    row[0].set_ylabel("distance along the fibre (m)")
    figure.colorbar(
        image, ax=row, shrink=0.8, label="strain rate relative to the\n98th percentile of each panel"
    )
    return figure


def own_observation() -> plt.Figure:
    """One channel of simulated earthquakes: recorded, as the others say, with its own observation, and the truth."""
    noise = simulate_noise_recording(
        "gauge", "fibre", 0.04, RATE, 96, 5, gauge_channels=GAUGE, channel_spacing=2.0
    )
    recording, events = simulate_recording_with_events(noise, 5.0, 4, seed=7, distances=(20e3, 25e3))
    denoiser = Denoiser("ridge", band=default_band(RATE)).fit(recording)
    window = dict(channel=48, time=slice(events[0].first_sample, events[0].first_sample + 600))
    fused, deviation = (
        make(recording).isel(window).values for make in (denoiser.transform, denoiser.uncertainty)
    )
    denoiser.posterior_ = None
    seconds = np.arange(600) / RATE
    figure, rows = plt.subplots(3, 1, figsize=(7.5, 4.6), sharex=True, sharey=True, layout="constrained")
    truth = (recording - noise).isel(window).values
    drawn = {
        "recorded": recording.isel(window).values,
        "predicted from others": denoiser.transform(recording).isel(window).values,
        "with its own observation": fused,
    }
    unit = np.abs(truth).max()
    for axes, (title, values) in zip(rows, drawn.items(), strict=True):
        axes.plot(seconds, values / unit, color="0.55", lw=0.9, label=title)
        axes.plot(seconds, truth / unit, color="#0072B2", lw=0.9, label="without noise")
        axes.legend(loc="upper right", fontsize=8, ncols=2, frameon=False)
    rows[2].fill_between(
        seconds, (fused - deviation) / unit, (fused + deviation) / unit, color="#E69F00", alpha=0.5, lw=0
    )
    rows[1].set_ylabel("strain rate relative to the largest true value")
    rows[2].set_xlabel("time (s)")
    return figure


def wavenumbers() -> plt.Figure:
    """Frequency and wavenumber of an earthquake under gauge noise: recorded, predicted, with its own observation."""
    noise = simulate_noise_recording(
        "gauge", "fibre", 0.04, RATE, 96, 5, gauge_channels=GAUGE, channel_spacing=2.0
    )
    recording, events = simulate_recording_with_events(noise, 0.0, 4, seed=7, distances=(20e3, 25e3))
    denoiser = Denoiser("ridge", band=default_band(RATE)).fit(recording)
    window = dict(time=slice(events[0].first_sample, events[0].first_sample + 600))
    fused = denoiser.transform(recording).isel(window).values
    denoiser.posterior_ = None
    drawn = {
        "recorded": recording.isel(window).values,
        "predicted from others": denoiser.transform(recording).isel(window).values,
        "with the own observation": fused,
        "without noise": (recording - noise).isel(window).values,
    }
    figure, panels = plt.subplots(1, 4, figsize=(9.0, 3.2), sharey=True, layout="constrained")
    spectra = {title: _wavenumber_power(values) for title, values in drawn.items()}
    loudest = max(power.max() for power in spectra.values())
    extent = (-250.0, 250.0, 0.0, RATE / 2)
    for axes, (title, power) in zip(panels, spectra.items(), strict=True):
        decibels = 10 * np.log10(power / loudest + 1e-12)
        image = axes.imshow(
            decibels, origin="lower", aspect="auto", extent=extent, cmap="cividis", vmin=-50, vmax=0
        )
        axes.set(title=title, xlabel="wavenumber (1/km)")
        axes.title.set_fontsize(9)
    panels[0].set_ylabel("frequency (Hz)")
    figure.colorbar(image, ax=panels, label="power (dB)")
    return figure


def limits() -> plt.Figure:
    """Output against input of what the benchmarks kept: what is measured, what is told, and two others."""
    told = "told: signal around each cell, mean noise", "told: signal and noise of each cell"
    shown = {
        told[1]: (GREY, ":", "oracle: signal and noise of each cell"),
        told[0]: (GREY, "--", "oracle: signal around each cell"),
        "ridge": (BLUE, "-", "selfseis, ridge filter"),
        "AFK, oracle": (ORANGE, "-", "AFK, best setting (oracle)"),
        "jDAS, 160 CPU s": (GREEN, "-", "jDAS, 160 CPU s"),
    }
    rows = [
        row
        for name in ("denoise_limits", "denoise_fibre")
        for row in json.loads((RESULTS / f"{name}.json").read_text())["tables"]["Output (dB) by input"]
    ]
    noises = list(dict.fromkeys(row["noise"] for row in rows))
    figure, panels = plt.subplots(2, 3, figsize=(9.6, 5.6), sharex=True, sharey=True, layout="constrained")
    for axes, noise in zip(panels.flat, noises, strict=False):
        for method, (colour, line, label) in shown.items():
            row = next(row for row in rows if row["noise"] == noise and row["method"] == method)
            levels = {name: value for name, value in row.items() if name.endswith(" dB")}
            axes.plot([float(name[:-3]) for name in levels], levels.values(), line, color=colour, label=label)
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.set_title(noise, fontsize=10)
        axes.set(ylim=(-6, 21), xlabel="input SNR (dB)")
    for axes in panels[:, 0]:
        axes.set_ylabel("output SNR where the signal is (dB)")
    panels.flat[2].tick_params(labelbottom=True)
    panels.flat[-1].axis("off")
    panels.flat[-1].legend(*panels.flat[0].get_legend_handles_labels(), loc="center")
    return figure


def _wavenumber_power(values: np.ndarray) -> np.ndarray:
    """Return power by frequency (rows) and wavenumber."""
    tapered = values * np.hanning(values.shape[0])[:, None] * np.hanning(values.shape[1])
    return np.abs(np.fft.fftshift(np.fft.fft(np.fft.rfft(tapered, axis=1), axis=0), axes=0)).T ** 2


def _save_small(figure: plt.Figure, path: Path) -> None:
    """Save with few colours: noise does not compress otherwise."""
    drawn = BytesIO()
    figure.savefig(drawn, bbox_inches="tight")
    Image.open(drawn).convert("RGB").quantize(64).save(path, optimize=True)


def _skill(recording: xr.DataArray, width: int) -> Interval:
    blind = Denoiser("ridge", blind_zone=width, fusion=False).fit(recording)
    return Interval(**blind.verdict_.details["skill_everywhere"])


def _draw_skill(
    axes: Axes, widths: range, skills: list[Interval], colour: str, marker: str, label: str
) -> None:
    values = np.array([s.value for s in skills])
    ends = np.array([[s.value - s.low, s.high - s.value] for s in skills]).T
    axes.errorbar(widths, values, ends, color=colour, marker=marker, markersize=5, capsize=2, label=label)


def _with_correlation(title: str, data: xr.DataArray, truth: xr.DataArray) -> str:
    correlation = np.corrcoef(data.values.ravel(), truth.values.ravel())[0, 1]
    return title if correlation > 0.999 else f"{title}\ncorrelation with the truth {correlation:.2f}"


def _draw_waterfall(axes: Axes, data: np.ndarray, distance: np.ndarray) -> plt.cm.ScalarMappable:
    limits = 0.0, data.shape[1] / RATE, distance[-1], distance[0]
    axes.set_xlabel("time (s)")
    axes.spines[["top", "right"]].set_visible(True)
    return axes.imshow(
        data / np.quantile(np.abs(data), 0.98), aspect="auto", cmap="RdBu", vmin=-1, vmax=1, extent=limits,
        interpolation="antialiased",
    )  # fmt: skip


if __name__ == "__main__":
    main()
