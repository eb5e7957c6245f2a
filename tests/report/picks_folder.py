"""A results folder with picks and located events, small and made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

START = np.datetime64("2014-05-01T00:00:00", "ns")
STATIONS = {
    "CX.PB01.": (-21.04, -69.49, 900),
    "CX.PB02.": (-21.32, -69.90, 1015),
    "CX.PB03.": (-22.05, -69.75, 1460),
}
RATE = 100.0
VP_VS = 1.75


def times(seconds: np.ndarray | float) -> np.ndarray:
    return START + np.round(np.asarray(seconds) * 1e9).astype("timedelta64[ns]")


def write_picks_csv(folder: Path, n_events: int = 60, seed: int = 0) -> np.ndarray:
    """Write P and S of events at every station; return P times, shape (n_events, n_stations)."""
    random = np.random.default_rng(seed)
    origin = np.sort(random.uniform(100, 43_000, n_events))
    travel = random.uniform(3, 9, n_events)[:, None] + random.uniform(0, 5, (n_events, len(STATIONS)))
    rows = ["seed_id,phase,time,probability,sd_s"]
    for event in range(n_events):
        for number, station in enumerate(STATIONS):
            for phase, channel, factor in (("P", "HHZ", 1.0), ("S", "HHN", VP_VS)):
                time = times(origin[event] + factor * travel[event, number])
                null = random.beta(8, 2)
                rows.append(
                    f"{station}.{channel},{phase},{np.datetime_as_string(time, 'us')}Z,{null:.3f},0.05"
                )
    (folder / "picks.csv").write_text("\n".join(rows) + "\n")
    return origin[:, None] + travel


def write_summary(folder: Path, **changes: Any) -> None:
    random = np.random.default_rng(1)
    dp = random.normal(0, 4, 150)
    stated = np.linspace(0.05, 0.95, 10)
    bins = [
        {
            "stated": s,
            "observed": s**1.2,
            "low": max(s**1.2 - 0.06, 0),
            "high": min(s**1.2 + 0.06, 1),
            "count": 80,
        }
        for s in stated.tolist()
    ]
    summary = {
        "false_alarms_per_day": 1.0,
        "thresholds": {
            "P": {"height": 0.31, "probability": 0.72},
            "S": {"height": 0.28, "probability": 0.64},
        },
        "thresholds_extrapolated": True,
        "reliability": {
            "P": bins,
            "S": [b | {"observed": b["stated"], "low": b["stated"], "high": b["high"]} for b in bins],
        },
        "agreement": {"statement": "3 stations agree on 60 events; 8.2 ± 2.1 by chance"},
        "wadati": {
            "dp_s": dp.tolist(),
            "ds_s": (VP_VS * dp + random.normal(0, 0.25, 150)).tolist(),
            "vp_vs": VP_VS,
            "sd_s": 0.25,
        },
        "max_false_per_day": {"P": dict.fromkeys(STATIONS, 4.2), "S": dict.fromkeys(STATIONS, 6.0)},
        "rounds": [
            {
                "stage": "synthetic onsets",
                "events": None,
                "under_null": None,
                "positives": None,
                "negatives": None,
                "held_out_above_null": 21.0,
            },
            {
                "stage": "round 1",
                "events": 71,
                "under_null": 17.2,
                "positives": 54,
                "negatives": 320,
                "held_out_above_null": 34.5,
            },
        ],
    }
    (folder / "picks_summary.json").write_text(json.dumps(summary | changes))


def write_snippet(folder: Path, name: str, seed: int = 0, n_stations: int = 2) -> None:
    random = np.random.default_rng(seed)
    n = 3000
    stations = list(STATIONS)[:n_stations]
    seed_ids = [f"{station}.HH{component}" for station in stations for component in "ENZ"]
    data = random.normal(size=(len(seed_ids), n)) * 20
    picks: list[tuple[str, str, float]] = []
    for number, station in enumerate(stations):
        for phase, at, size, channel in (
            ("P", 800 + 150 * number, 120, "HHZ"),
            ("S", 1500 + 260 * number, 420, "HHN"),
        ):
            fading = np.exp(-np.arange(n - at) / 300)
            data[3 * number : 3 * number + 3, at:] += size * fading * random.normal(size=(3, n - at))
            picks.append((f"{station}.{channel}", phase, at / RATE))
    data[1, 2000:2300] = np.nan
    dataset = xr.Dataset(
        {
            "before": (("channel", "time"), data.astype(np.float32)),
            "pick_seed_id": ("pick", [pick[0] for pick in picks]),
            "pick_phase": ("pick", [pick[1] for pick in picks]),
            "pick_time": ("pick", times(np.array([pick[2] for pick in picks]))),
            "pick_probability": ("pick", np.linspace(0.6, 0.97, len(picks))),
            "pick_sd_s": ("pick", np.full(len(picks), 0.15)),
        },
        {"time": times(np.arange(n) / RATE), "seed_id": ("channel", seed_ids)},
        attrs={
            "title": f"2014-05-01 00:00:0{seed}, {n_stations} stations",
            "about": "Two stations agree.",
            "units": "counts",
            "panel": "Band-passed above 1 Hz",
        },
    )
    (folder / "pick_snippets").mkdir(exist_ok=True)
    dataset.to_netcdf(folder / "pick_snippets" / f"{name}.nc", engine="h5netcdf")


def write_fibre_snippet(folder: Path, n_channels: int, n_samples: int) -> None:
    random = np.random.default_rng(0)
    distance = 4.0 * np.arange(n_channels)
    onset = 800 + np.hypot(distance - 300, 200) * 0.9
    data = random.normal(size=(n_channels, n_samples))
    since = np.arange(n_samples) - onset[:, None]
    data += np.where(since > 0, 9 * np.exp(-since.clip(0) / 60) * np.sin(since / 6), 0)
    names = [f"{metres:g}m" for metres in distance]
    dataset = xr.Dataset(
        {
            "before": (("channel", "time"), data.astype(np.float32)),
            "pick_seed_id": ("pick", names),
            "pick_phase": ("pick", np.array(["P", "S"])[np.arange(n_channels) % 2]),
            "pick_time": ("pick", times(onset / RATE)),
            "pick_probability": ("pick", np.full(n_channels, 0.9)),
            "pick_sd_s": ("pick", np.full(n_channels, 0.05)),
        },
        {
            "time": times(np.arange(n_samples) / RATE),
            "seed_id": ("channel", names),
            "distance": ("channel", distance),
        },
        attrs={"title": "fibre", "about": "Picks along the fibre.", "units": "strain rate"},
    )
    (folder / "pick_snippets").mkdir(exist_ok=True)
    dataset.to_netcdf(folder / "pick_snippets" / "00.nc", engine="h5netcdf")


def write_locations(folder: Path, n_events: int = 60) -> None:
    random = np.random.default_rng(2)
    events = [
        {
            "event_id": f"ev{number}",
            "time": f"{np.datetime_as_string(times(700.0 * number), 'ms')}Z",
            "latitude": -21.4 + random.normal(0, 0.25),
            "longitude": -69.8 + random.normal(0, 0.25),
            "depth_km": random.uniform(15, 60),
            "horizontal_error_km": random.uniform(3, 8),
            "smaller_error_km": random.uniform(1, 3),
            "ellipse_azimuth_deg": 40.0,
            "depth_error_km": random.uniform(2, 10),
            "magnitude": random.uniform(0, 3) if number % 5 else None,
        }
        for number in range(n_events)
    ]
    stations = [
        {"station": name, "latitude": at[0], "longitude": at[1], "elevation_m": at[2], "far_outside": False}
        for name, at in STATIONS.items()
    ]
    travel = random.uniform(2, 15, 100)
    points = [
        {"event_id": "ev0", "station": "CX.PB01.", "p_s": p, "s_minus_p_s": 0.75 * p + random.normal(0, 0.1)}
        for p in travel.tolist()
    ]
    content = {
        "stations": stations,
        "events": events,
        "wadati": {"vp_vs": 1.75, "is_measured": True, "points": points},
        "velocity": {
            "depth_km": [0, 20, 60],
            "vp": [5.0, 6.4, 8.0],
            "vs": [2.9, 3.7, 4.6],
            "source": "made up",
        },
        "clock_errors": [
            {
                "station": "CX.PB03.",
                "shift_s": 1.02,
                "first": "2014-05-01T00:00:00Z",
                "last": "2014-05-01T03:00:00Z",
            }
        ],
        "notes": ["The model was estimated from the picks."],
    }
    (folder / "locations.json").write_text(json.dumps(content))


def write_everything(folder: Path) -> None:
    write_picks_csv(folder)
    write_summary(folder)
    for number in range(3):
        write_snippet(folder, f"{number:02d}", number)
    write_locations(folder)
