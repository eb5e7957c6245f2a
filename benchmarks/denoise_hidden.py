"""Claim: on real fibres hidden channels are predicted better than by ridge and jDAS, at times not trained on.

The first half of a recording is the training data and the second is scored. The blind zone around a channel is as
wide as its noise is measured to be shared. jDAS hides a channel alone. It is given the recording as it is, where noise
shared by neighbours counts as skill, and, for a fair comparison, combs of channels that lie a zone apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.denoise_jobs import Line, jdas_is_named, run_jdas
from benchmarks.denoise_methods import AS_DOCUMENTED
from benchmarks.fibre_noise import Samples, data_folder, forge_recording
from selfseis.denoise import Denoiser
from selfseis.denoise.common_mode import without_common_mode
from selfseis.denoise.prediction import live_channels
from selfseis.errors import InputError
from selfseis.recording import open_recording, sampling_rate
from selfseis.samples import porotomo_earthquake
from selfseis.validation import skill

METHODS = ("ridge", "network")
ENDS = ("low", "high")
JDAS_SECONDS = 40.0
JDAS_CHANNELS, JDAS_SAMPLES = 24, 2049  # the fewest from which its loader draws
FORGE_BAND = (20.0, 300.0)


def run(quick: bool) -> Iterator[Measured]:
    rows: list[Row] = []
    for name, (open_it, band) in recordings(quick).items():
        try:
            rows += _examined(name, open_it(), band, quick)
        except InputError as error:
            rows.append({"recording": name, "method": "none", "why": str(error)})
        for row in rows:
            if row["recording"] == name:
                progress(str(row))
        yield Measured(
            "Hidden channels at times not trained on are predicted better than by ridge and jDAS.",
            {
                "trained_on": "the first half of each recording; scored on the second",
                "skill": "share of the variance of conditioned data explained by the blind prediction alone, at the "
                "measured zone",
                "verdict": "on the whole, own observation included, while channels are hidden",
                "null": "channels shifted in time independently",
                "jdas": f"{JDAS_SECONDS:g} CPU s from the published weights; records shorter than its 2048 samples are "
                "mirrored at the end; on combs each channel is predicted from channels farther than the zone",
            },
            [Table("Skill on hidden channels", rows)],
            _findings(rows),
        )


def recordings(quick: bool) -> dict[str, tuple[Callable[[], xr.DataArray], tuple[float, float] | None]]:
    """Return how each recording is opened, and the band, where it is not the default."""
    found: dict[str, tuple[Callable[[], xr.DataArray], tuple[float, float] | None]] = {
        "PoroTomo earthquake": (porotomo_earthquake, (1.0, 20.0)),
        "FORGE": (forge_recording, FORGE_BAND),
    }
    if quick:
        return found
    for path in sorted((data_folder() / "das").iterdir()):
        if path.name != "forge_eq68.mat":
            found[path.name] = (lambda p=path: open_recording(str(p))), None  # type: ignore[misc]
    return found


def _examined(name: str, recording: xr.DataArray, band: tuple[float, float] | None, quick: bool) -> list[Row]:
    half = recording.sizes["time"] // 2
    first, second = recording.isel(time=slice(0, half)), recording.isel(time=slice(half, 2 * half))
    known = {"recording": name, "channels": recording.sizes["channel"], "samples scored": half}
    rows: list[Row] = []
    denoiser: Denoiser | None = None
    for method in METHODS:
        try:
            denoiser = Denoiser(method, band=band).fit(first)  # type: ignore[arg-type]
        except InputError as error:
            rows.append(known | {"method": method, "why": str(error)})
            continue
        verdict, blind = denoiser.evaluate(second), _without_fusion(denoiser).evaluate(second)
        everywhere = blind.details["skill_everywhere"]
        rows.append(
            known
            | {"zone": denoiser.blind_zone_, "method": method}
            | {"skill": _rounded(everywhere["value"]), "interval": [_rounded(everywhere[e]) for e in ENDS]}
            | {"verdict": verdict.outcome, "where most is predicted": _value(verdict.skill)}
            | {"its interval": _interval(verdict.skill), "its null": _value(verdict.null)}
            | {verdict.baseline_name: _value(verdict.baseline), "reason": verdict.reason}
        )
    if denoiser is not None and not quick and jdas_is_named():
        trained, scored = (_conditioned(denoiser, part) for part in (first, second))
        rows += [
            known | {"zone": denoiser.blind_zone_} | row
            for row in _jdas_rows(name, trained, scored, denoiser.blind_zone_, sampling_rate(recording))
        ]
    return rows


def _jdas_rows(name: str, trained: Samples, scored: Samples, zone: int, rate: float) -> Iterator[Row]:
    """Score jDAS on the channels as they are, and on combs of channels farther apart than the zone."""
    shown = {1: "hides the channel alone"} | ({zone + 1: "combs a zone apart"} if zone else {})
    for apart, words in shown.items():
        if len(trained) // apart < JDAS_CHANNELS:
            yield {"method": f"jDAS, {words}", "why": "too few channels for a comb"}
            continue
        train, apply = (_combs(part, apart) for part in (trained, scored))
        line = Line(rate, 1.0, 1.0, (0.0, rate / 2))
        asked: dict[str, Any] = AS_DOCUMENTED | {"cpu_seconds": [0.0, JDAS_SECONDS]}
        key = f"hidden-{name.replace(' ', '-')}-{apart}"
        done = run_jdas(key, line, asked, train, {"scored": apply})
        for seconds, label in ((0.0, "jDAS pretrained"), (JDAS_SECONDS, "jDAS")):
            made = done.outputs[f"{seconds:g}:scored"][:, :, : scored.shape[1]]
            value = skill(_combs(scored, apart, lengthened=False), made)
            yield {"method": f"{label}, {words}", "skill": round(value, 4)}


def _combs(data: Samples, apart: int, *, lengthened: bool = True) -> Samples:
    """Return every `apart`-th channel, from each start, shape (apart, n_channels // apart, n_samples)."""
    n = len(data) // apart
    combs = np.stack([data[start : start + n * apart : apart] for start in range(apart)])
    missing = max(0, JDAS_SAMPLES - data.shape[1])
    # jDAS drops what does not fill its chunks of 2048 samples.
    missing += -(data.shape[1] + missing) % (JDAS_SAMPLES - 1)
    return np.pad(combs, ((0, 0), (0, 0), (0, missing)), mode="symmetric") if lengthened else combs


def _conditioned(denoiser: Denoiser, part: xr.DataArray) -> Samples:
    """Return what ours predicts: what all channels record at once is no skill, and is taken out where ours does."""
    data = denoiser.conditioner_(np.asarray(part.values, np.float32))[0]
    live = live_channels(denoiser.conditioner_)
    return without_common_mode(data, live) if denoiser.common_share_ > 0 else data


def _without_fusion(denoiser: Denoiser) -> Denoiser:
    """Return one that leaves the own observation out, as jDAS does."""
    blind = copy(denoiser)
    blind.model_ = replace(denoiser.model_, wiener=None)
    return blind


def _value(measured: Any) -> float | None:
    return None if measured is None else _rounded(measured.value)


def _interval(measured: Any) -> list[float] | None:
    return None if measured is None else [_rounded(getattr(measured, end)) for end in ENDS]


def _rounded(value: float) -> float:
    return round(float(value), 4)


def _findings(rows: list[Row]) -> list[str]:
    issues = []
    for name in dict.fromkeys(row["recording"] for row in rows):
        of = {
            row["method"]: row["skill"]
            for row in rows
            if row["recording"] == name and row.get("skill") is not None
        }
        if "network" not in of:
            issues.append(f"NOT SCORED: {name}")
            continue
        others = {m: s for m, s in of.items() if m != "network" and "alone" not in m}
        best = max(others, key=others.__getitem__)
        state = "reached" if of["network"] >= others[best] else "MISSED"
        issues.append(
            f"{state}: {name}: skill {of['network']:.3f}; best of the others {best} {others[best]:.3f}"
        )
    return sorted(issues, key=lambda text: text.startswith("reached"))
