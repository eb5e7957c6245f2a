"""Comparison of pickers on a recording without labels, or with some.

All pickers see the same filtered samples. Their thresholds come from their own picks of the same data in reversed time,
at one operating point. The order is that of the agreement with the other pickers, and of the confirmation by other
stations if there are any, both at equal counts. Of the signs that need no labels, these followed the labelled order
best on the recordings they were tried on (simulated networks, and ARCES, which has one station). How well the order
holds elsewhere is measured in ``benchmarks/picking_order.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from selfseis.catalogue.records import PHASES, Phase
from selfseis.compare.blocks import ComparisonBlocks, read_blocks
from selfseis.compare.compared_pickers import (
    ComparedPicker,
    NetworkPicker,
    TriggerPicker,
    check_names,
    untrained_picker,
)
from selfseis.compare.injections import (
    InjectedWindow,
    SureOnset,
    quiet_windows,
    scaled_windows,
    simulated_windows,
)
from selfseis.compare.label_scores import label_scores
from selfseis.compare.measures import FoundOnsets, highest, of_phase
from selfseis.compare.options import ComparisonOptions
from selfseis.compare.picker_agreement import JointOnsets
from selfseis.compare.results import (
    Comparison,
    Kind,
    LabelScores,
    PhaseResult,
    PickerResult,
    ranks_of,
    share_interval,
)
from selfseis.errors import InputError
from selfseis.pick.evaluate import confirmation_scores, confirmed
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import OnsetCandidates
from selfseis.pick.model import OperatingPoint
from selfseis.pick.moveout_support import moveout_of
from selfseis.pick.options import PickerOptions
from selfseis.pick.pick_table import PickTable, PlacedPicks, place_picks
from selfseis.pick.starting_network import starting_network
from selfseis.pick.time_split import window_of
from selfseis.recording import as_recording
from selfseis.recording.components import stations_of, training_part
from selfseis.simulate.onsets import REFERENCE_RATE, OnsetBank, OnsetPrior
from selfseis.typing import Float32Array
from selfseis.validation import BlockScores, Interval

if TYPE_CHECKING:
    from torch import nn

STARTING = "starting network"
DEFAULT_POINT = OperatingPoint(false_discovery_rate=0.5)  # that of the picker
DEFAULTS = ComparisonOptions()
ProgressCallback = Callable[[int, int], None]


def compare_pickers(
    recording: object,
    networks: Mapping[str, nn.Module],
    *,
    operating_point: OperatingPoint = DEFAULT_POINT,
    band: tuple[float, float] | None = None,
    labels: PickTable | None = None,
    seed: int = 0,
    options: PickerOptions = PickerOptions(),
    comparison: ComparisonOptions = DEFAULTS,
    progress: ProgressCallback | None = None,
) -> Comparison:
    """Compare pickers on a recording; STA/LTA with AIC, an untrained and the starting network are baselines.

    Parameters
    ----------
    recording : xarray.DataArray, path, Stream or Patch
        The recording.
    networks : dict of str to nn.Module
        Networks by name. Each maps windows (n, 3, n_samples) to logits (n, 2, n_samples); an attribute ``n_samples``
        states the length of its windows, if that is fixed.
    operating_point : OperatingPoint
        What the thresholds are chosen for.
    band : tuple of float, optional
        Pass band in Hz; by default a high-pass above the microseism.
    labels : PickTable, optional
        Labelled onsets.
    seed : int
        Seed of all random numbers.
    options : PickerOptions
        Window, filter, inference and consensus.
    comparison : ComparisonOptions
        Amount of data, injected events and bootstrap.
    progress : callable, optional
        Called with the number of steps done and their total.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If there is no network, no station has data, or no label lies in the recording.

    Examples
    --------
    >>> from selfseis.compare.comparison import compare_pickers
    >>> from selfseis.compare.options import ComparisonOptions
    >>> from selfseis.pick.starting_network import starting_network
    >>> from selfseis.simulate import simulate_noise_recording
    >>> noise = simulate_noise_recording("white", "network", 1 / 30, 50.0, 3, seed=3, components="ENZ")
    >>> small = ComparisonOptions(n_injected=2, n_wavelets=20, n_bootstraps=50)
    >>> found = compare_pickers(noise, {"starting": starting_network()}, comparison=small)
    >>> [picker.name for picker in found.pickers]
    ['starting', 'STA/LTA with AIC', 'untrained network']
    """
    if not networks:
        raise InputError("there is no picker to compare: name at least one, such as starting")
    recording = training_part(as_recording(recording), options.split.max_fibre_channels)
    window = window_of(recording, options.split)
    high_pass = CausalHighPass.measure(recording, band, options.filter)
    stations = stations_of(recording)
    placed = None if labels is None else place_picks(labels, recording, stations)
    blocks = read_blocks(recording, stations, high_pass, window, seed, comparison)
    pickers = _pickers(networks, blocks, high_pass, window, seed, options, comparison)
    check_names(pickers)
    job = _Comparing(recording, blocks, window, high_pass, operating_point, seed, options, comparison)
    return job.run(pickers, placed, progress or (lambda done, total: None))


def _pickers(
    networks: Mapping[str, nn.Module],
    blocks: ComparisonBlocks,
    high_pass: CausalHighPass,
    window: int,
    seed: int,
    options: PickerOptions,
    comparison: ComparisonOptions,
) -> list[ComparedPicker]:
    """Return the pickers that are named, and the baselines."""
    triggers = options.trigger.with_options(p_trigger=comparison.p_trigger, s_trigger=comparison.s_trigger)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(blocks.pieces))[: options.evaluation.n_untrained_windows]
    windows = [_fitted(blocks.pieces[number].components, window) for number in chosen]
    pickers: list[ComparedPicker] = [
        NetworkPicker.of(name, net, high_pass, window, options.inference) for name, net in networks.items()
    ]
    if not any(_is_starting(net) for net in networks.values()):
        start = starting_network()
        pickers.append(
            NetworkPicker.of(STARTING, start, high_pass, window, options.inference, is_baseline=True)
        )
    return [
        *pickers,
        TriggerPicker(triggers),
        untrained_picker(windows, high_pass, window, seed, options.inference),
    ]


def _is_starting(net: nn.Module) -> bool:
    """Return whether a network is the starting network of the package."""
    import torch

    mine, start = net.state_dict(), starting_network().state_dict()
    return mine.keys() == start.keys() and all(torch.equal(mine[name], start[name]) for name in start)


def _fitted(components: Float32Array, window: int) -> Float32Array:
    """Return the first samples of a piece, with zeros where it is shorter than a window."""
    first = components[:, :window]
    return np.pad(first, ((0, 0), (0, window - first.shape[1])))


@dataclass(frozen=True, eq=False)
class _Comparing:
    """One comparison: its data and settings."""

    recording: xr.DataArray
    blocks: ComparisonBlocks
    window: int
    high_pass: CausalHighPass
    point: OperatingPoint
    seed: int
    options: PickerOptions
    comparison: ComparisonOptions

    def run(
        self, pickers: Sequence[ComparedPicker], labels: PlacedPicks | None, progress: ProgressCallback
    ) -> Comparison:
        n_pieces = len(self.blocks.pieces)
        n_steps = (n_pieces + 1) * len(pickers)
        found = [
            FoundOnsets.find(
                picker,
                self.blocks,
                self.high_pass.rate,
                self.point,
                self.options,
                self.comparison,
                partial(_add, progress, number * n_pieces, n_steps),
            )
            for number, picker in enumerate(pickers)
        ]
        thresholds = [{phase: one.threshold(phase) for phase in PHASES} for one in found]
        joint = {
            phase: JointOnsets.of([one.onsets(phase) for one in found], self.comparison.within)
            for phase in PHASES
        }
        windows = self._injections(self._sure(found, thresholds, joint))
        results: list[dict[Phase, PhaseResult]] = []
        for number, (one, of_one) in enumerate(zip(found, thresholds, strict=True)):
            results.append(self._measure(one, of_one, windows, labels))
            progress(len(found) * n_pieces + number + 1, n_steps)
        n_counted = {phase: _median_count(pickers, results, phase) for phase in PHASES}
        self._confirm(found, results, n_counted)
        for phase in PHASES:
            self._rank(results, phase, joint[phase], n_counted[phase])
        return Comparison(
            tuple(
                PickerResult(picker.name, picker.is_baseline, phases)
                for picker, phases in zip(pickers, results, strict=True)
            ),
            len(self.blocks.units),
            self.blocks.n_samples / self.high_pass.rate / 3600,
            n_counted,
            tuple(self._notes(windows, labels)),
        )

    def _measure(
        self,
        one: FoundOnsets,
        thresholds: Mapping[Phase, float],
        windows: Mapping[Kind, list[InjectedWindow]],
        labels: PlacedPicks | None,
    ) -> dict[Phase, PhaseResult]:
        """Return the numbers of a picker that need no other picker."""
        recalls = one.recalls(windows, thresholds)
        results = {}
        for phase, threshold in thresholds.items():
            known = one.known(phase)
            n_picks = int((known.targets >= threshold).sum())
            rate = float(known.false_discovery_rate(threshold)) if n_picks else None
            stability, height_sd = one.stability(phase, threshold, self.seed)
            results[phase] = PhaseResult(
                threshold=threshold,
                n_picks=n_picks,
                false_discovery_rate=rate,
                held_out_rate=one.held_out_rate(phase),
                stability=stability,
                height_sd=height_sd,
                recall=recalls[phase],
                labels=None if labels is None else self._compare_labels(one, phase, threshold, labels),
            )
        return results

    def _compare_labels(
        self, one: FoundOnsets, phase: Phase, threshold: float, labels: PlacedPicks
    ) -> LabelScores | None:
        positions = [of_phase(onsets, phase)[:, 0] for onsets in labels.candidates()]
        return label_scores(self.blocks, one.onsets(phase), positions, threshold, self.high_pass.rate)

    def _rank(
        self, results: list[dict[Phase, PhaseResult]], phase: Phase, joint: JointOnsets, n_counted: int
    ) -> None:
        """Add the agreement of each picker with the others at equal counts, and its rank."""
        if not n_counted:
            return
        n_units, options = len(self.blocks.units), self.comparison
        first = np.array([self.blocks.pieces[piece].first for piece in joint.piece], float)
        unit = self.blocks.unit_of(first + joint.at)
        among = np.stack([highest(height, n_counted) for height in joint.height]).astype(float)
        scores = []
        for number, mine in enumerate(among):
            others = np.delete(among, number, axis=0).mean(axis=0)
            total = np.bincount(unit, mine, n_units).astype(np.float64)
            scores.append(BlockScores(total - np.bincount(unit, mine * others, n_units), total))
        # Pickers of one origin agree whether they are right or not: three further signs must not contradict.
        signs = [
            np.array([of_one[phase].n_true for of_one in results]),
            np.array([of_one[phase].mean_recall for of_one in results]),
            np.array([_value(of_one["P"].confirmed) for of_one in results]),
        ]
        intervals, ranks = ranks_of(scores, signs, self.seed, options.n_bootstraps, options.error_rate)
        enough = n_units >= options.min_blocks
        for of_one, agreement, rank in zip(results, intervals, ranks, strict=True):
            of_one[phase] = replace(of_one[phase], agreement=agreement, rank=rank if enough else None)

    def _confirm(
        self,
        found: Sequence[FoundOnsets],
        results: list[dict[Phase, PhaseResult]],
        n_counted: Mapping[Phase, int],
    ) -> None:
        """Add the share of P picks whose event another station confirms, at equal counts at each station."""
        stations, options = stations_of(self.recording), self.comparison
        if len({station.site for station in stations}) < 2 or not all(n_counted.values()):
            return
        each = [max(1, round(n_counted[phase] / len(stations))) for phase in PHASES]
        moveout, rate = moveout_of(self.recording, stations, self.options), self.high_pass.rate
        for one, of_one in zip(found, results, strict=True):
            equal = [
                OnsetCandidates(*(one.placed(phase, number) for phase in PHASES)).best(*each)
                for number in range(len(stations))
            ]
            spans = self.blocks.units
            consensus = confirmed(equal, rate, self._s_minus_p, moveout, spans, self.options)
            scores = confirmation_scores(equal, consensus, rate, spans)
            hits = scores.power - scores.loss
            share = share_interval(hits, scores.power, self.seed, options.n_bootstraps, options.error_rate)
            of_one["P"] = replace(of_one["P"], confirmed=share)

    @property
    def _s_minus_p(self) -> tuple[float, float]:
        low, high = self.options.examples.prior.pair_s_minus_p
        scale = REFERENCE_RATE / self.high_pass.rate
        return low * scale, high * scale

    def _sure(
        self,
        found: Sequence[FoundOnsets],
        thresholds: Sequence[Mapping[Phase, float]],
        joint: Mapping[Phase, JointOnsets],
    ) -> list[SureOnset]:
        """Return the onsets that at least two pickers have, each among its picks and with a high probability."""
        sure = []
        for phase in PHASES:
            probable = [
                (height >= of_one[phase])
                & (
                    np.interp(height, *one.known(phase).probability_knots())
                    >= self.comparison.sure_probability
                )
                for height, one, of_one in zip(joint[phase].height, found, thresholds, strict=True)
            ]
            kept = np.flatnonzero(np.sum(probable, axis=0) >= 2)
            sure += [SureOnset(phase, int(joint[phase].piece[n]), float(joint[phase].at[n])) for n in kept]
        return sure

    def _injections(self, sure: list[SureOnset]) -> dict[Kind, list[InjectedWindow]]:
        """Return windows with simulated onsets, and with real ones scaled down."""
        options, rate = self.comparison, self.high_pass.rate
        prior_options = self.options.examples.prior
        noise = quiet_windows(self.blocks, self.window, options.n_injected, self.options.noise)
        prior = OnsetPrior.at(rate, reference_s_minus_p=prior_options.s_minus_p)
        bank = OnsetBank.draw(
            np.random.default_rng(self.seed),
            options.n_wavelets,
            min(prior_options.max_wavelet, self.window),
            high_pass=self.high_pass.low / rate,
        )
        n, snr, seed = options.n_injected, options.snr, self.seed
        return {
            "simulated": simulated_windows(noise, prior, bank, snr, n, seed),
            "real": scaled_windows(sure, self.blocks, noise, snr, n, seed),
        }

    def _notes(self, windows: Mapping[Kind, list[InjectedWindow]], labels: PlacedPicks | None) -> list[str]:
        notes, n_left_out = [], self.blocks.n_left_out
        if labels is not None and labels.left_out:
            why = ", ".join(f"{count} {reason}" for reason, count in labels.left_out.items())
            notes.append(f"Labels left out: {why}.")
        if n_left_out:
            notes.append(
                f"{n_left_out} of {n_left_out + len(self.blocks.spans)} blocks were left out at random: the option "
                "max_windows limits the run time."
            )
        if len({station.site for station in stations_of(self.recording)}) < 2:
            notes.append("A single station has no other station that could confirm its picks.")
        if not windows["simulated"]:
            notes.append("No window is free of gaps: no event was injected.")
        elif not windows["real"]:
            notes.append(
                "No onset is sure and strong enough to be scaled down: only simulated ones were injected."
            )
        return notes


def _add(progress: ProgressCallback, before: int, n_steps: int, done: int) -> None:
    progress(before + done, n_steps)


def _value(known: Interval | None) -> float:
    return 0.0 if known is None else known.value


def _median_count(
    pickers: Sequence[ComparedPicker], results: Sequence[Mapping[Phase, PhaseResult]], phase: Phase
) -> int:
    """Return the median number of picks of the pickers that have any, without baselines."""
    counts = [
        of_one[phase].n_picks
        for picker, of_one in zip(pickers, results, strict=True)
        if not picker.is_baseline and of_one[phase].n_picks
    ]
    return int(np.median(counts)) if counts else 0
