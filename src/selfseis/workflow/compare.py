"""Job of comparing pickers: the pickers by name, the comparison, its tables and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from rich.console import Console

from selfseis.catalogue.records import PHASES, Phase
from selfseis.compare.comparison import DEFAULT_POINT, Comparison, compare_pickers
from selfseis.compare.options import ComparisonOptions
from selfseis.compare.results import PhaseResult
from selfseis.errors import InputError
from selfseis.foreign_networks.picker_registry import network_of
from selfseis.io.atomic import replacing, write_json
from selfseis.pick.labelled_picks import read_labels
from selfseis.pick.model import OperatingPoint
from selfseis.pick.picker import Picker
from selfseis.pick.starting_network import starting_network
from selfseis.recording import sampling_rate
from selfseis.validation import Interval
from selfseis.workflow.pick import present_share
from selfseis.workflow.results import JobResult, Results

if TYPE_CHECKING:
    from torch import nn

STARTING = "starting"
ABSENT = "-"
HEADS = (
    ("threshold", "minimum height of a pick, at the operating point"),
    ("picks", "number of picks in the compared data"),
    ("false", "expected share of false picks among them, from picks in reversed time"),
    ("held out", "the same share in one half of the data, at the threshold from the other half"),
    (
        "agreement",
        "share of the strongest picks that the other pickers have too, all with equal counts; orders the table",
    ),
    ("rank", "one plus the number of pickers that are clearly better"),
    ("stable", "share of the picks found again when the window is shifted; does not rank"),
    ("height sd", "standard deviation of a height under that shift; does not rank"),
    (
        "confirmed",
        "share of P picks whose event another station confirms, with equal counts; orders the table",
    ),
    ("recall real", "share of real onsets found, scaled down to 4 noise levels; does not rank"),
    ("recall sim.", "share of simulated events found, with P of 4 noise levels; does not rank"),
)
SHOWN_SNR = 4.0


@dataclass(frozen=True, kw_only=True)
class CompareResult(JobResult):
    """Result of comparing pickers.

    Attributes
    ----------
    comparison : Comparison
        All numbers.
    """

    comparison: Comparison


def compare(
    recording: xr.DataArray,
    out: Path,
    pickers: Sequence[str],
    *,
    labels: Path | None = None,
    operating_point: OperatingPoint = DEFAULT_POINT,
    band: tuple[float, float] | None = None,
    seed: int = 0,
    options: ComparisonOptions | None = None,
    title: str = "",
    command_line: list[str] | None = None,
    console: Console | None = None,
) -> CompareResult:
    """Compare pickers on a recording, and write ``comparison.json`` and ``comparison.md``.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording.
    out : Path
        Folder of the results.
    pickers : sequence of str
        Pickers by name, as `named_networks` takes them.
    labels : Path, optional
        Labelled onsets: a CSV table, or QuakeML.
    operating_point : OperatingPoint
        What the thresholds are chosen for.
    band : tuple of float, optional
        Pass band in Hz; by default that of the models, or a high-pass above the microseism.
    seed : int
        Seed of all random numbers.
    options : ComparisonOptions, optional
        Amount of data, injected events and bootstrap.
    title : str
        Title of the recording.
    command_line : list of str, optional
        Command line of the user.
    console : Console, optional
        Terminal for progress bars.

    Returns
    -------
    CompareResult

    Raises
    ------
    InputError
        If a picker cannot be loaded, or does not fit the recording.
    """
    options = options or ComparisonOptions()
    networks, band = named_networks(pickers, sampling_rate(recording), band)
    known = None if labels is None else read_labels(labels)
    parameters = {
        "pickers": list(pickers),
        "labels": None if labels is None else str(labels),
        "false_discovery_rate": operating_point.false_discovery_rate,
        "false_alarms_per_day": operating_point.false_alarms_per_day,
        "band": band,
        "seed": seed,
        "options": options.to_dict(),
    }
    results = Results(out, "compare", parameters, command_line or [], title, console=console)
    with results.stage("compare", "comparing") as progress:
        comparison = compare_pickers(
            recording,
            networks,
            operating_point=operating_point,
            band=band,
            labels=known,
            seed=seed,
            comparison=options,
            progress=progress,
        )
    results.notes += comparison.notes
    write_json(out / "comparison.json", comparison.to_dict())
    with replacing(out / "comparison.md") as path:
        path.write_text(markdown_of(comparison, title), encoding="utf-8")
    failed = results.write_run(recording, [], present_share(recording))
    return CompareResult(
        report=out / "comparison.md",
        verdicts=[],
        summary=summary_of(comparison),
        failed_units=failed,
        table=lines_of(comparison),
        comparison=comparison,
    )


def named_networks(
    names: Sequence[str], rate: float, band: tuple[float, float] | None = None
) -> tuple[dict[str, nn.Module], tuple[float, float] | None]:
    """Return networks by name, and the pass band of their samples.

    Parameters
    ----------
    names : sequence of str
        ``starting`` for the starting network, folders of saved pickers, or what `picker_registry.network_of` takes.
    rate : float
        Sampling rate of the recording in Hz.
    band : tuple of float, optional
        Pass band in Hz.

    Raises
    ------
    InputError
        If a picker cannot be loaded or is of another rate, or two of them need different bands.
    """
    if not names:
        raise InputError("there is no picker to compare: name at least one, such as starting")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{', '.join(twice)} is named twice: name each picker once")
    networks: dict[str, nn.Module] = {}
    bands: dict[str, tuple[float, float] | None] = {}
    for name, text in zip(_short(names), names, strict=True):
        if text == STARTING:
            networks[name] = starting_network()
        elif ":" not in text or Path(text).is_dir():
            picker = Picker.load(text)
            _check_rate(picker, text, rate)
            networks[name], bands[name] = picker.net_, picker.band
        else:
            networks[name] = network_of(text, rate)
    wanted = set(bands.values()) | ({band} if band is not None else set())
    if len(wanted) > 1:
        shown = ", ".join(f"{name}: {_band_text(of_name)}" for name, of_name in bands.items())
        raise InputError(
            f"the models were trained with different pass bands ({shown}), and all pickers must see the same samples: "
            "compare models of one band, or leave --band out"
        )
    return networks, next(iter(wanted), None)


def _check_rate(picker: Picker, text: str, rate: float) -> None:
    if not np.isclose(rate, picker.rate_, rtol=1e-3):
        raise InputError(
            f"the model in {text} was trained at {picker.rate_:g} Hz, the recording has {rate:g} Hz: resample the "
            "recording, or leave the model out"
        )


def _band_text(band: tuple[float, float] | None) -> str:
    return "default" if band is None else f"{band[0]:g} to {band[1]:g} Hz"


def _short(names: Sequence[str]) -> list[str]:
    """Return names without their folders, where they still differ."""
    short = [_without_folder(name) for name in names]
    return [whole if short.count(name) > 1 else name for name, whole in zip(short, names, strict=True)]


def _without_folder(name: str) -> str:
    kind, colon, rest = name.rpartition(":")
    is_path = Path(rest.partition("?")[0]).exists() or rest.count("/") > 1
    return f"{kind}{colon}{Path(rest).name if is_path else rest}"


def summary_of(comparison: Comparison) -> str:
    """Return the amount of the compared data in words."""
    counts = " and ".join(f"{comparison.n_counted[phase]} {phase}" for phase in PHASES)
    data = f"{comparison.station_hours:.3g} station-hours in {comparison.n_blocks} blocks"
    return f"{data}, {counts} of each picker compared"


def lines_of(comparison: Comparison) -> list[str]:
    """Return the tables, the order in words and the thresholds, as lines for a terminal."""
    lines = []
    for phase in PHASES:
        rows = _rows(comparison, phase)
        widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        lines += [comparison.statement(phase), ""]
    lines += [f"{picker.name}: {picker.arguments}" for picker in comparison.pickers if not picker.is_baseline]
    return [*lines, "", *comparison.notes]


def _rows(comparison: Comparison, phase: Phase) -> list[list[str]]:
    """Return the table of a phase: a head, and a row for each picker, the best first."""
    ranked = comparison.ranked(phase)
    labelled = [picker.phases[phase].labels for picker in ranked]
    tolerances = next((list(known.f1) for known in labelled if known is not None), [])
    heads = [phase, *(name for name, _ in HEADS)]
    heads += [f"{score} {t:g} s" for score in ("AP", "F1") for t in tolerances]
    rows = [heads]
    for picker in ranked:
        known = picker.phases[phase]
        cells = [picker.name + (" (baseline)" if picker.is_baseline else ""), *_cells(known)]
        if tolerances:
            scores = known.labels
            assert scores is not None
            cells += [
                f"{values[t]:.2f}" for values in (scores.average_precision, scores.f1) for t in tolerances
            ]
        rows.append(cells)
    return rows


def _cells(known: PhaseResult) -> list[str]:
    recall = {of.kind: of.recall for of in known.recall if of.snr == SHOWN_SNR}
    return [
        f"{known.threshold:.3f}" if np.isfinite(known.threshold) else "none",
        str(known.n_picks),
        _number(known.false_discovery_rate),
        _number(known.held_out_rate),
        _interval(known.agreement),
        ABSENT if known.rank is None else str(known.rank),
        _interval(known.stability),
        _number(known.height_sd),
        _interval(known.confirmed),
        _interval(recall.get("real")),
        _interval(recall.get("simulated")),
    ]


def _number(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.2f}"


def _interval(value: Interval | None) -> str:
    return ABSENT if value is None else f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})"


def markdown_of(comparison: Comparison, title: str = "") -> str:
    """Return the comparison as a page in Markdown."""
    parts: list[str] = [
        f"# Comparison of pickers{f' on {title}' if title else ''}",
        summary_of(comparison) + ".",
    ]
    for phase in PHASES:
        head, *rows = _rows(comparison, phase)
        parts += [f"## {phase}", comparison.statement(phase), _table(head, rows)]
        parts += [f"Recall of injected {phase}:", _recall_table(comparison, phase)]
    arguments = [[picker.name, f"`{picker.arguments}`"] for picker in comparison.pickers]
    parts += ["## Thresholds as arguments of `classify`", _table(["picker", "arguments"], arguments)]
    parts += ["## Columns", "\n".join(f"- *{name}*: {meaning}." for name, meaning in HEADS)]
    if comparison.notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in comparison.notes)]
    return "\n\n".join(parts) + "\n"


def _recall_table(comparison: Comparison, phase: Phase) -> str:
    levels: dict[tuple[str, float], Any] = {}
    for picker in comparison.pickers:
        for of in picker.phases[phase].recall:
            levels.setdefault((of.kind, of.snr), {})[picker.name] = of.recall
    names = [picker.name for picker in comparison.pickers]
    rows = [
        [f"{kind}, {snr:g}", *(_interval(row.get(name)) for name in names)]
        for (kind, snr), row in levels.items()
    ]
    return _table(["onsets, noise levels", *names], rows)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
