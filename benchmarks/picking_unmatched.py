"""Draw picks that the supervised reference lacks, to be looked at: python -m benchmarks.picking_unmatched FILE."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.picking_archive import RATE, REFERENCE, SURE, WITHIN
from benchmarks.picking_data import SCORED_HOURS, archive, archive_picker, components_of, hours_of
from benchmarks.picking_methods import Components, Onsets, ours, peer
from selfseis.catalogue.records import PHASES, Phase
from selfseis.pick.high_pass import CausalHighPass

N_SHOWN, N_COLUMNS = 50, 5
BEFORE, AFTER = 5.0, 15.0  # s about a pick
SEED = 0

Unmatched = tuple[str, Phase, float, float]  # station, phase, s after the first sample, height


def main(path: Path) -> None:
    """Draw a random sample of the unmatched among the highest picks, as many as the reference has."""
    reference = peer(REFERENCE)
    if reference is None:
        sys.exit(f"no {REFERENCE}.pt in the folder that SELFSEIS_PEERS names")
    stations = components_of(hours_of(archive(), SCORED_HOURS))
    method = ours(archive_picker(quick=False))
    found = {code: method.onsets(data, RATE) for code, data in stations.items()}
    known = {code: reference.onsets(data, RATE, 0.1) for code, data in stations.items()}
    unmatched = [pick for code in stations for pick in _unmatched(code, found[code], known[code])]
    print(f"{len(unmatched)} of the picks have no reference pick of any probability within {WITHIN:g} s")
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(unmatched))[:N_SHOWN])
    _draw(path, stations, found, [unmatched[index] for index in chosen])


def _unmatched(code: str, found: Onsets, known: Onsets) -> list[Unmatched]:
    picks: list[Unmatched] = []
    for phase in PHASES:
        n_reference = int((known[phase][:, 1] > SURE).sum())
        for time, height in found[phase][np.argsort(-found[phase][:, 1], kind="stable")][:n_reference]:
            if not (np.abs(known[phase][:, 0] - time) < WITHIN).any():
                picks.append((code, phase, float(time), float(height)))
    return picks


def _draw(
    path: Path, stations: dict[str, Components], found: dict[str, Onsets], picks: list[Unmatched]
) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    n_rows = -(-max(len(picks), 1) // N_COLUMNS)
    figure, axes = plt.subplots(n_rows, N_COLUMNS, figsize=(4 * N_COLUMNS, 1.7 * n_rows), squeeze=False)
    for axis in axes.flat[len(picks) :]:
        axis.remove()
    for axis, (code, phase, time, height) in zip(axes.flat, picks, strict=False):
        first, last = max(0, round((time - BEFORE - 10) * RATE)), round((time + AFTER) * RATE)
        filtered, _ = CausalHighPass(RATE, np.zeros(3, np.float32))(stations[code][:, first:last])
        seconds = np.arange(first, first + filtered.shape[1]) / RATE - time
        shown = seconds > -BEFORE
        for offset, trace in zip((-2.2, 0.0, 2.2), filtered, strict=True):
            axis.plot(seconds[shown], offset + trace[shown] / np.abs(trace[shown]).max(), "k", lw=0.4)
        for other, colour in zip(PHASES, ("tab:red", "tab:blue"), strict=True):
            for at, probability in found[code][other]:
                if -BEFORE < at - time < AFTER and probability >= 0.1:
                    axis.axvline(at - time, color=colour, lw=1, alpha=0.3 + 0.7 * probability)
        axis.set_title(f"{code.strip('.')} {phase} {height:.2f}", fontsize=7, pad=2)
        axis.set(yticks=[], xlim=(-BEFORE, AFTER))
        axis.tick_params(labelsize=6)
    figure.supxlabel(
        "s after the pick; east, north, vertical from below, above 1 Hz; P red, S blue", fontsize=9
    )
    figure.tight_layout(pad=0.4)
    figure.savefig(path, dpi=65)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
