"""Claim: the order of pickers from a comparison without labels agrees with the order from labels.

Each pair is a picker on a set of data with labels. The order without labels is that of `compare_pickers`: agreement
with the other pickers and confirmation by other stations, chosen on ARCES and simulated networks. The labelled order is
that of the average precision. Each sign that needs no labels is listed, too.

SELFSEIS_SEISBENCH_WEIGHTS names a folder with pre-trained weights of SeisBench, CLASS/NAME.pt.v1 with its NAME.json.v1;
SeisBench must then be installed. Without it these pickers are left out.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from benchmarks.common import Measured, Row, Table, progress
from benchmarks.fibre_noise import data_folder
from benchmarks.picking_data import labelled_windows
from benchmarks.picking_regional import FIRST, SPACING, regional_recordings, write_recordings
from selfseis import samples
from selfseis.catalogue.records import PHASES, Phase
from selfseis.compare.comparison import compare_pickers
from selfseis.compare.options import ComparisonOptions
from selfseis.compare.results import Comparison, PickerResult
from selfseis.foreign_networks.picker_registry import network_of
from selfseis.pick.options import StartingNetworkOptions
from selfseis.pick.pick_table import PickTable
from selfseis.pick.starting_network import starting_network, train_starting_network
from selfseis.recording import open_recording, sampling_rate
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = "SELFSEIS_SEISBENCH_WEIGHTS"
TARGET = 0.8  # Spearman correlation
N_STEPS = (100, 300)  # of networks at an early stage of the training
SIZES = (0.4, 0.8)  # of random changes of weights, as shares of their standard deviation
SETTINGS = ComparisonOptions(max_windows=90, n_injected=8, n_bootstraps=1000)
SEED = 0
N_DRAWS = 2000
N_WINDOWS = 60  # of NCEDC
EVERY = 2  # recordings of ARCES
SIGNS: dict[str, Callable[[PickerResult, Phase], float | None]] = {
    "agreement": lambda picker, phase: _value(picker.phases[phase].agreement),
    "true picks": lambda picker, phase: picker.phases[phase].n_true,
    "recall of injected": lambda picker, phase: picker.phases[phase].mean_recall,
    "stability": lambda picker, phase: _value(picker.phases[phase].stability),
    "confirmed by stations": lambda picker, phase: _value(picker.phases["P"].confirmed),
}
ORDER = "order"
CHOSEN_ON = ("ARCES", "simulated, 40 Hz", "simulated, 100 Hz")
LabelRow = tuple[str, str, np.datetime64]


@dataclass(frozen=True, eq=False)
class LabelledRecording:
    """A recording with labels.

    Attributes
    ----------
    name : str
        Name of the data.
    recording : xarray.DataArray
        The recording.
    labels : list of (str, str, datetime64)
        Station, phase and time of each label.
    """

    name: str
    recording: xr.DataArray
    labels: list[LabelRow]

    @property
    def table(self) -> PickTable:
        """Return the labels as a table."""
        station, phase, time = (np.array(column) for column in zip(*self.labels, strict=True))
        n_labels = len(self.labels)
        ones, unknown = np.ones(n_labels), np.full(n_labels, np.nan)
        return PickTable(station, phase, time.astype("datetime64[ns]"), ones, unknown, {})


def run(quick: bool) -> Iterator[Measured]:
    early = {} if quick else {n: early_network(n) for n in N_STEPS}
    pairs: list[Row] = []
    with TemporaryDirectory() as folder:
        for data in (simulated(40.0),) if quick else all_data(Path(folder)):
            networks = compared_networks(sampling_rate(data.recording), early)
            compared = compare_pickers(
                data.recording, networks, labels=data.table, seed=SEED, comparison=SETTINGS
            )
            rows = pairs_of(data.name, compared)
            pairs += rows
            for row in rows:
                progress(str(row))
            yield _measured(pairs)


def all_data(folder: Path) -> Iterator[LabelledRecording]:
    yield simulated(40.0)
    yield simulated(100.0)
    yield arces(folder / "arces")
    yield ncedc(folder / "ncedc.mseed")
    yield mine()
    yield iceland()


def simulated(rate: float) -> LabelledRecording:
    """Simulate half an hour of three stations with 30 events."""
    noise = simulate_noise_recording("white", "network", 0.5, rate, 9, seed=1, components="ENZ")
    recording, truth = simulate_recording_with_events(noise, 10.0, 30, seed=2)
    start, names = recording["time"].values[0], [str(name) for name in recording["seed_id"].values]
    labels = [
        (names[row], phase, start + np.timedelta64(round(float(event.arrivals[phase][row]) * 1e9), "ns"))
        for event in truth
        for phase in PHASES
        for row in range(0, len(names), 3)
    ]
    return LabelledRecording(f"simulated, {rate:g} Hz", recording.load(), labels)


def arces(folder: Path) -> LabelledRecording:
    """Open regional recordings of one array: a development set."""
    data = regional_recordings(EVERY)
    folder.mkdir()
    write_recordings(data, folder)
    labels = [
        ("ZZ.ARC", phase, FIRST + np.timedelta64(round((SPACING * number + at) * 1e9), "ns"))
        for phase in PHASES
        for number, times in enumerate(data.listed[phase])
        for at in times
    ]
    return LabelledRecording("ARCES", open_recording(str(folder)), labels)


def ncedc(path: Path) -> LabelledRecording:
    """Open windows of NCEDC as a recording of one station: evaluate only."""
    from obspy import Stream, Trace, UTCDateTime

    stream, labels = Stream(), []
    for number, window in enumerate(labelled_windows()[:N_WINDOWS]):
        start = FIRST + np.timedelta64(round(SPACING * number * 1e9), "ns")
        head = {"network": "NC", "station": "W", "sampling_rate": 100.0, "starttime": UTCDateTime(str(start))}
        for samples_, component in zip(window.components.astype(np.float32), "ENZ", strict=True):
            if samples_.any():
                stream.append(Trace(samples_, head | {"channel": f"HH{component}"}))
        for phase, at in (("P", window.p), ("S", window.s)):
            labels.append(("NC.W", phase, start + np.timedelta64(at * 10_000_000, "ns")))
    stream.write(str(path), "MSEED")
    return LabelledRecording("NCEDC windows", open_recording(str(path)), labels)


def mine() -> LabelledRecording:
    """Open the five windows of a mine with manual picks."""
    picks = samples.mine_manual_picks()
    labels = [
        (str(row.seed_id), str(row.phase), np.datetime64(row.time))
        for row in picks.itertuples()
        if row.phase in PHASES
    ]
    return LabelledRecording("mine, 500 Hz", samples.mine_recording(), labels)


def iceland() -> LabelledRecording:
    """Open the windows of an Icelandic swarm; the labels are QuakeMigrate's automatic picks."""
    folder, labels = data_folder() / "stations" / "iceland_vt", []
    for path in sorted(folder.glob("*.picks")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                if row["PickTime"] != "-1":
                    labels.append(
                        (row["Station"], row["Phase"], np.datetime64(row["PickTime"].removesuffix("Z")))
                    )
    return LabelledRecording("Iceland", open_recording(str(folder)), labels)


def early_network(n_steps: int) -> nn.Module:
    """Train the starting network for a few steps."""
    options = StartingNetworkOptions(
        n_steps=n_steps, n_wavelets=600, check_every=n_steps, n_validation_windows=24
    )
    progress(f"training {n_steps} steps")
    return train_starting_network(options, seed=n_steps)


def noisy_network(size: float) -> nn.Module:
    """Return the starting network with random changes of its weights."""
    net, generator = starting_network(), torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for weight in net.parameters():
            change = torch.randn(weight.shape, generator=generator)
            weight.add_(size * float(weight.std(correction=0)) * change)
    return net


def compared_networks(rate: float, early: dict[int, nn.Module]) -> dict[str, nn.Module]:
    """Return the pickers that are compared at a sampling rate, besides the baselines."""
    networks: dict[str, nn.Module] = {"starting": starting_network()}
    networks |= {f"starting, weights changed by {size:g}": noisy_network(size) for size in SIZES}
    networks |= {f"early, {n} steps": net for n, net in early.items()}
    folder = os.environ.get(WEIGHTS)
    for path in sorted(Path(folder).glob("*/*.pt*")) if folder else []:
        name = f"seisbench:{path.parent.name}/{path}"
        networks[f"{path.parent.name}, {path.name.partition('.')[0]}, as if"] = network_of(
            f"{name}?as_if=1", rate
        )
        if rate < 100:
            networks[f"{path.parent.name}, {path.name.partition('.')[0]}"] = network_of(name, rate)
    return networks


def pairs_of(name: str, compared: Comparison) -> list[Row]:
    """Return a row for each picker and phase of one set of data."""
    rows: list[Row] = []
    for phase in PHASES:
        for picker, order in zip(compared.pickers, compared.order(phase), strict=True):
            labels = picker.phases[phase].labels
            if labels is None:
                continue
            tolerance = max(labels.average_precision)
            row: Row = {"data": name, "phase": phase, "picker": picker.name, "labels": labels.n_labels}
            row |= {"average precision": labels.average_precision[tolerance], "tolerance s": tolerance}
            row |= {ORDER: float(order)} | {sign: value(picker, phase) for sign, value in SIGNS.items()}
            rows.append(row | {"rank": picker.phases[phase].rank})
    return rows


def order_correlation(rows: list[Row], sign: str) -> Row:
    """Return the mean Spearman correlation of a sign with the average precision, within each set and phase.

    The interval is that of a bootstrap over the pickers within each set.
    """
    groups = [group for group in _groups(rows) if all(row[sign] is not None for row in group)]
    groups = [group for group in groups if len({row[sign] for row in group}) > 1]
    if not groups:
        return {"sign": sign}
    rng = np.random.default_rng(SEED)
    draws = np.mean([_spearman_draws(group, sign, rng) for group in groups], axis=0)
    return {
        "sign": sign,
        "Spearman, mean": float(np.mean([_spearman(group, sign) for group in groups])),
        "95%": np.quantile(draws, (0.025, 0.975)).tolist(),
        "sets and phases": len(groups),
        "pairs": sum(len(group) for group in groups),
    }


def _groups(rows: list[Row]) -> list[list[Row]]:
    keys = dict.fromkeys((row["data"], row["phase"]) for row in rows)
    return [[row for row in rows if (row["data"], row["phase"]) == key] for key in keys]


def _spearman(rows: list[Row], sign: str) -> float:
    """Return the correlation of ranks; zero where all values are equal."""
    from scipy.stats import rankdata

    ranks = [rankdata([row[name] for row in rows]) for name in (sign, "average precision")]
    if any(np.ptp(of_one) == 0 for of_one in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def _spearman_draws(rows: list[Row], sign: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the correlations of bootstrap draws; zero where all values of a draw are equal."""
    from scipy.stats import rankdata

    drawn = rng.integers(len(rows), size=(N_DRAWS, len(rows)))
    values = (np.array([row[name] for row in rows], float) for name in (sign, "average precision"))
    one, other = (rankdata(known[drawn], axis=1) - (len(rows) + 1) / 2 for known in values)
    size = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return np.divide((one * other).sum(axis=1), size, out=np.zeros(N_DRAWS), where=size > 0)


def false_orders(rows: list[Row]) -> Row:
    """Count the pairs of pickers that the comparison orders, and those of them that labels order otherwise."""
    n_ordered = n_wrong = n_pairs = 0
    for group in _groups(rows):
        for one in group:
            for other in group:
                if one is other or one["rank"] is None:
                    continue
                n_pairs += 1
                if one["rank"] == 1 and other["rank"] > 1:
                    n_ordered += 1
                    n_wrong += one["average precision"] < other["average precision"] - 0.01
    return {"pairs": n_pairs // 2, "best above another": n_ordered, "labels say the opposite": n_wrong}


def _value(known: object) -> float | None:
    return getattr(known, "value", None)


def _measured(pairs: list[Row]) -> Measured:
    kinds = {
        "all": pairs,
        "not used for the choice": [row for row in pairs if row["data"] not in CHOSEN_ON],
        "P": [row for row in pairs if row["phase"] == "P"],
        "S": [row for row in pairs if row["phase"] == "S"],
        "without the variants of the starting network": [
            row for row in pairs if "weights changed" not in row["picker"]
        ],
    }
    orders = [
        {"pairs of": kind} | order_correlation(rows, sign)
        for kind, rows in kinds.items()
        for sign in (ORDER, *SIGNS)
        if rows
    ]
    by_set = [
        {"data": group[0]["data"], "phase": group[0]["phase"], "pickers": len(group)}
        | {
            sign: _spearman(group, sign)
            for sign in (ORDER, *SIGNS)
            if all(row[sign] is not None for row in group)
        }
        for group in _groups(pairs)
    ]
    settings = {
        "order without labels": "mean rank of agreement with the other pickers and of confirmation by other stations",
        "labelled order": "average precision within 0.5 s, and within 0.1 s at 500 Hz",
        "chosen on": ", ".join(CHOSEN_ON),
        "Iceland": "the labels are QuakeMigrate's automatic picks",
        "PB01 and PB02": "left out: they have no labels",
        "weights of others": "named by the user"
        if os.environ.get(WEIGHTS)
        else f"left out: {WEIGHTS} is not set",
        "comparison": SETTINGS.to_dict(),
        "seed": SEED,
    }
    tables = [
        Table("Order without labels against the labelled order", orders),
        Table("Spearman correlation by set and phase", by_set),
        Table("Statements of the comparison", [false_orders(pairs)]),
        Table("Pairs of a picker and a set of data", pairs),
    ]
    return Measured(
        "The order of pickers without labels agrees with the labelled order.",
        settings,
        tables,
        _findings(orders),
    )


def _findings(orders: list[Row]) -> list[str]:
    found = next(row for row in orders if row["sign"] == ORDER)
    if "Spearman, mean" not in found:
        return ["no order could be compared"]
    value, (low, high) = found["Spearman, mean"], found["95%"]
    state = "reached" if value >= TARGET else "MISSED"
    return [
        f"{state}: Spearman {value:.2f} ({low:.2f} to {high:.2f}) over {found['pairs']} pairs, target {TARGET:g}"
    ]
