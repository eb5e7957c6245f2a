"""The sections of a page on picks.

The page reads these files of a results folder; each may be missing.

``picks.csv``
    The picks: ``seed_id, phase, time, probability, sd_s``; time in ISO 8601, UTC.
``picks_summary.json``
    ``false_discovery_rate``: accepted share of false picks.
    ``false_alarms_per_day``: accepted false-alarm rate at each station, which replaces the share if it is not null.
    ``thresholds``: for P and S ``{"height", "probability"}``.
    ``thresholds_extrapolated``: whether the record is too short to count such a low rate.
    ``reliability``: for P and S a list of ``{"stated", "observed", "low", "high", "count"}``, measured with onsets
    injected into noise that was not used for training.
    ``agreement``: ``{"statement", "n_stations", "n_events", "confirmations", "under_null", "null_sd"}``.
    ``wadati``: ``{"dp_s", "ds_s", "vp_vs", "sd_s"}``: differences of P and of S times between two stations of an event,
    the slope of the line and the spread about it.
    ``max_false_per_day``: for P and S the upper bound of the false-alarm rate of each station, by its code.
    ``rounds``: pseudo-labels and consensus of each self-training round, a list of
    ``{"stage", "events", "under_null", "positives", "negatives", "held_out_above_null"}``.
``pick_snippets/*.nc``
    Waveforms: ``before`` (channel, time), coordinates ``time`` and ``seed_id`` (channel), ``pick_seed_id``,
    ``pick_phase``, ``pick_time``, ``pick_probability`` and ``pick_sd_s`` (pick); attributes ``title``, ``about`` and
    ``units``. They are shown in alphabetical order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfseis.report import wording
from selfseis.report.results_folder import Results, finite, known, read_json, read_rows, seconds_utc
from selfseis.report.svg_plots import Axis, Plot
from selfseis.report.waveform_payload import snippet_payload

if TYPE_CHECKING:
    import xarray as xr

PHASES = ("P", "S")
MAX_BINS = 96
BIN_SECONDS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 86400, 7 * 86400)
MAX_SNIPPETS = 24
MAX_ROWS = 200  # of the table by station; for a long fibre only the training channels
PIXELS_OF_SNIPPET = 100_000
ROUND_COLUMNS = (
    ("stage", "stage"),
    ("events", "events of the consensus"),
    ("under_null", "under null"),
    ("positives", "positives"),
    ("negatives", "negatives"),
    ("held_out_above_null", "consensus at held-out times, above null"),
)


@dataclass(frozen=True)
class PickRow:
    """One row of ``picks.csv``: seed_id, phase and time in s since 1970, UTC."""

    seed_id: str
    phase: str
    time: float

    @property
    def station(self) -> str:
        """Return the seed_id without its channel."""
        return self.seed_id.rpartition(".")[0] if self.seed_id.count(".") == 3 else self.seed_id


@dataclass(frozen=True)
class ReliabilityBin:
    """Picks of about the same stated probability: share of true ones with its interval, and number."""

    stated: float
    observed: float
    low: float
    high: float
    count: float


def picks_section(results: Results) -> dict[str, Any] | None:
    """Return the contents of the sections on picks; None without picks.

    Parameters
    ----------
    results : Results
        The results folder; files that cannot be read are noted in its problems.
    """
    picks = _read_picks(results)
    summary = read_json(results, "picks_summary.json")
    summary = summary if isinstance(summary, dict) else {}
    if picks is None and not summary:
        return None
    picks = picks or []
    snippets = _snippets(results)
    wadati = summary.get("wadati") or {}
    if (results.folder / "locations.json").is_file():
        wadati = wadati | {"vp_vs": None}  # the section of located events gives vp/vs, from the same picks
    return {
        "n": {phase: sum(pick.phase == phase for pick in picks) for phase in PHASES},
        "n_stations": len({pick.station for pick in picks}),
        "thresholds": _thresholds(summary),
        "stations": _stations(picks, summary),
        "through_time": through_time(picks),
        "snippets": snippets,
        "snippet_names": [{"title": snippet["title"], "about": snippet["about"]} for snippet in snippets],
        "agreement": str((summary.get("agreement") or {}).get("statement") or ""),
        "wadati": wadati_plot(wadati),
        "vp_vs": _vp_vs(wadati),
        "reliability": reliability_plot(summary.get("reliability") or {}),
        "rounds": _rounds(summary.get("rounds") or []),
    }


def through_time(picks: list[PickRow]) -> dict[str, Any] | None:
    """Return the number of P and S through time."""
    if len(picks) < 2:
        return None
    first, last = min(pick.time for pick in picks), max(pick.time for pick in picks)
    width = next((w for w in BIN_SECONDS if (last - first) / w <= MAX_BINS), (last - first) / MAX_BINS)
    begin = first // width * width
    n_bins = int((last - begin) // width) + 1
    counts = {
        phase: Counter(int((pick.time - begin) // width) for pick in picks if pick.phase == phase)
        for phase in PHASES
    }
    highest = max(max(count.values(), default=0) for count in counts.values())
    plot = Plot(
        Axis.of_time(begin, begin + n_bins * width, 820, max_ticks=8),
        Axis.between(f"picks in {wording.duration(width)}", 0, 1.08 * highest, 150, max_ticks=4),
        "Number of P and S picks through time",
    )
    for phase in PHASES:
        steps = [
            (begin + edge * width, float(counts[phase][number]))
            for number in range(n_bins)
            for edge in (number, number + 1)
        ]
        plot.line(steps, f"line-{phase}")
        plot.legend.append((f"swatch-{phase}", phase))
    return plot.to_dict()


def wadati_plot(wadati: dict[str, Any]) -> dict[str, Any] | None:
    """Return differences of S times against those of P times between stations, and their line."""
    pairs = [
        (x, y)
        for dp, ds in zip(wadati.get("dp_s") or [], wadati.get("ds_s") or [], strict=False)
        if (x := finite(dp)) is not None and (y := finite(ds)) is not None
    ]
    if not pairs:
        return None
    # A pair of stations has no order: the station with the earlier P is the first.
    points = [(x, y) if x >= 0 else (-x, -y) for x, y in pairs]
    plot = Plot(
        Axis.over("difference of P times (s)", [0.0, *(x for x, _ in points)], 400),
        Axis.over("difference of S times (s)", [0.0, *(y for _, y in points)], 330),
        "Differences of S times between two stations against those of P times",
    )
    slope = finite(wadati.get("vp_vs"))
    if slope is not None:
        plot.line([(0.0, 0.0), (plot.x.high, slope * plot.x.high)], "model")
        plot.legend.append(("swatch-model", f"vp/vs = {wording.number(slope)}"))
    plot.dots(points, "point", radius=2.6)
    plot.legend.append(("swatch-point", "two stations of an event"))
    return plot.to_dict()


def reliability_plot(reliability: dict[str, Any]) -> dict[str, Any] | None:
    """Return the share of true onsets against the stated probability."""
    bins = {phase: _bins(reliability.get(phase)) for phase in PHASES}
    if not any(bins.values()):
        return None
    plot = Plot(
        Axis.between("stated probability", 0, 1, 330),
        Axis.between("share of true onsets", 0, 1, 330),
        "Share of true onsets against stated probability",
    )
    plot.line([(0, 0), (1, 1)], "model")
    for phase, found in bins.items():
        plot.intervals([(bin_.stated, bin_.low, bin_.high) for bin_ in found], f"whisker-{phase}")
        titles = [f"{bin_.count:.0f} picks" for bin_ in found]
        plot.dots([(bin_.stated, bin_.observed) for bin_ in found], f"dot-{phase}", radius=4, titles=titles)
        if found:
            plot.legend.append((f"swatch-{phase}", phase))
    plot.legend.append(("swatch-model", "as stated"))
    return plot.to_dict()


def _read_picks(results: Results) -> list[PickRow] | None:
    rows = read_rows(results, "picks.csv")
    if rows is None:
        return None
    timed = ((row, seconds_utc(row.get("time"))) for row in rows)
    return [
        PickRow(row.get("seed_id", ""), row.get("phase", ""), time) for row, time in timed if time is not None
    ]


def _thresholds(summary: dict[str, Any]) -> str:
    """Describe the thresholds."""
    rate, share = (finite(summary.get(key)) for key in ("false_alarms_per_day", "false_discovery_rate"))
    if rate is None and share is None:
        return ""
    parts = []
    for phase in PHASES:
        probability = finite(((summary.get("thresholds") or {}).get(phase) or {}).get("probability"))
        if probability is not None:
            parts.append(f"{phase} at a probability of {wording.number(probability, 2)}")
    if rate is None:
        text = f"Thresholds are set for a share of false picks of {wording.number(share)}"
    else:
        plural = "" if rate == 1 else "s"
        text = f"Thresholds are set for {wording.number(rate)} false alarm{plural} per day, phase and station"
    text += f": {' and '.join(parts)}" if parts else ""
    if summary.get("thresholds_extrapolated"):
        text += "; the record is too short to count such a low rate, so that it is extrapolated"
    return f"{text}. Picks of the recording in reversed time tell how many are false."


def _stations(picks: list[PickRow], summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per station: number of picks and bound of the false-alarm rate."""
    counts = Counter((pick.station, pick.phase) for pick in picks)
    bounds = summary.get("max_false_per_day") or {}
    bounded = {name for of in bounds.values() for name in of}
    names = sorted(bounded | {station for station, _ in counts})
    if len(names) > MAX_ROWS:
        names = sorted(bounded)
    return [
        {
            "station": name.rstrip("."),
            "n": [counts[name, phase] for phase in PHASES],
            "max_false": [wording.number(finite((bounds.get(phase) or {}).get(name)), 2) for phase in PHASES],
        }
        for name in names
    ]


def _rounds(rounds: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the self-training rounds as a table."""
    shown = [(key, title) for key, title in ROUND_COLUMNS if any(r.get(key) is not None for r in rounds)]
    if not shown:
        return None
    rows = [
        [str(r.get(key)) if key == "stage" else wording.number(finite(r.get(key))) for key, _ in shown]
        for r in rounds
    ]
    return {"titles": [title for _, title in shown], "rows": rows}


def _vp_vs(wadati: dict[str, Any]) -> str:
    slope, spread = finite(wadati.get("vp_vs")), finite(wadati.get("sd_s"))
    if slope is None or spread is None:
        return ""
    within = wording.duration(spread)
    return f"vp/vs is {wording.number(slope)}; S lies within {within} of the line (one standard deviation)."


def _bins(found: Any) -> list[ReliabilityBin]:
    bins = []
    for entry in found if isinstance(found, list) else []:
        stated, observed = finite(entry.get("stated")), finite(entry.get("observed"))
        if stated is not None and observed is not None:
            low, high = (known(finite(entry.get(end)), observed) for end in ("low", "high"))
            bins.append(ReliabilityBin(stated, observed, low, high, known(finite(entry.get("count")), 0.0)))
    return bins


def _snippets(results: Results) -> list[dict[str, Any]]:
    packed = []
    for path in sorted((results.folder / "pick_snippets").glob("*.nc"))[:MAX_SNIPPETS]:
        snippet = results.dataset(path)
        if snippet is None:
            continue
        try:
            payload = snippet_payload(snippet, PIXELS_OF_SNIPPET)
            packed.append(
                payload
                | {
                    "about": str(snippet.attrs.get("about", "")),
                    "panelTitle": str(snippet.attrs.get("panel", "Ground motion")),
                    "picks": _marks(snippet, payload["block"][0]),
                }
            )
        except (KeyError, ValueError) as error:
            results.problem(path, error)
    return packed


def _marks(snippet: xr.Dataset, per_row: int) -> list[dict[str, Any]]:
    """Return each pick with the first and the last row of its station; a row may stand for several channels."""
    names = [str(name) for name in snippet["seed_id"].values]
    marks = []
    columns = (snippet[f"pick_{name}"].values for name in ("seed_id", "phase", "time", "probability", "sd_s"))
    for seed_id, phase, time, probability, sd_s in zip(*columns, strict=True):
        station = PickRow(str(seed_id), str(phase), 0.0).station
        rows = [row for row, name in enumerate(names) if PickRow(name, "", 0.0).station == station]
        if rows:
            marks.append(
                {
                    "rows": [rows[0] // per_row, rows[-1] // per_row],
                    "phase": str(phase),
                    "time": float(time.astype("datetime64[ns]").astype("int64")) / 1e9,
                    "probability": finite(probability),
                    "sd": known(finite(sd_s), 0.0),
                }
            )
    return marks
