"""Pickers under comparison: all see the same filtered samples and return onset candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from selfseis.catalogue.records import PHASES, Phase
from selfseis.errors import InputError
from selfseis.pick.baselines import sta_lta_aic_picks, untrained_net
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import Annotator, OnsetCandidates, onsets_of
from selfseis.pick.options import InferenceOptions, TriggerOptions
from selfseis.typing import BoolArray, Float32Array, FloatArray

if TYPE_CHECKING:
    from torch import nn

TRIGGER_NAME = "STA/LTA with AIC"
UNTRAINED_NAME = "untrained network"


class ComparedPicker(Protocol):
    """A picker under comparison."""

    @property
    def name(self) -> str:
        """Name in tables."""
        ...

    @property
    def is_baseline(self) -> bool:
        """Whether it only serves as a baseline."""
        ...

    def find(self, components: Float32Array) -> OnsetCandidates:
        """Return the onset candidates in filtered east, north and vertical, shape (3, n_samples).

        Heights lie between 0 and 1.
        """
        ...


@dataclass(frozen=True, eq=False)
class NetworkPicker:
    """A network as a picker under comparison.

    Attributes
    ----------
    name : str
        Name in tables.
    annotator : Annotator
        Inference with the network.
    is_baseline : bool
        Whether it only serves as a baseline.
    """

    name: str
    annotator: Annotator
    is_baseline: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        net: nn.Module,
        high_pass: CausalHighPass,
        window: int,
        options: InferenceOptions = InferenceOptions(),
        *,
        is_baseline: bool = False,
    ) -> NetworkPicker:
        """Return a network with its inference; a network that states ``n_samples`` keeps its own window."""
        annotator = Annotator(net, high_pass, int(getattr(net, "n_samples", window)), options)
        return cls(name, annotator, is_baseline)

    def find(self, components: Float32Array) -> OnsetCandidates:
        """Return the onset candidates in filtered components, shape (3, n_samples)."""
        (p, p_height), (s, s_height) = onsets_of(
            self.annotator.probabilities(components), self.annotator.options
        )
        return OnsetCandidates(np.column_stack([p, p_height]), np.column_stack([s, s_height]))


@dataclass(frozen=True)
class TriggerPicker:
    """STA/LTA with AIC onsets as a picker under comparison.

    The height of an onset of ratio r is r / (1 + r): its odds are the ratio.

    Attributes
    ----------
    options : TriggerOptions
        Window lengths and minimum ratios of the trigger.
    name : str
        Name in tables.
    is_baseline : bool
        Whether it only serves as a baseline.
    """

    options: TriggerOptions
    name: str = TRIGGER_NAME
    is_baseline: bool = True

    def find(self, components: Float32Array) -> OnsetCandidates:
        """Return the onset candidates in filtered components, shape (3, n_samples)."""
        found: dict[Phase, list[tuple[float, float]]] = {phase: [] for phase in PHASES}
        for at, phase, ratio in sta_lta_aic_picks(components, self.options):
            found[phase].append((at, ratio / (1 + ratio)))
        return OnsetCandidates(*(_one_per_sample(found[phase]) for phase in PHASES))


def _one_per_sample(onsets: list[tuple[float, float]]) -> FloatArray:
    """Sort onsets; of several at one sample, the highest remains."""
    highest = {at: height for at, height in sorted(onsets, key=lambda onset: onset[1])}
    return np.array(sorted(highest.items()), float).reshape(-1, 2)


def untrained_picker(
    windows: Sequence[Float32Array],
    high_pass: CausalHighPass,
    window: int,
    seed: int,
    options: InferenceOptions = InferenceOptions(),
) -> NetworkPicker:
    """Return the network with random weights, whose normalisation is set on windows of shape (3, window)."""
    net = untrained_net(windows, seed, min(len(windows), 12))
    return NetworkPicker.of(UNTRAINED_NAME, net, high_pass, window, options, is_baseline=True)


def find_with_data(picker: ComparedPicker, components: Float32Array, margin: int) -> OnsetCandidates:
    """Return the candidates of a picker that are at least a margin away from gaps.

    Data that begin or end are an onset in one direction of time or the other. The margin is the same on both sides,
    so that the count in reversed time is comparable.

    Parameters
    ----------
    picker : ComparedPicker
        The picker.
    components : ndarray, shape (3, n_samples)
        Filtered; zero where there are no data.
    margin : int
        In samples.
    """
    found, near_gap = picker.find(components), _near_gap(components, margin)
    kept = (onsets[~near_gap[_nearest(onsets, len(near_gap))]] for onsets in (found.p, found.s))
    return OnsetCandidates(*kept)


def _nearest(onsets: FloatArray, n_samples: int) -> np.ndarray:
    return np.clip(np.round(onsets[:, 0]).astype(int), 0, n_samples - 1)


def _near_gap(components: Float32Array, margin: int) -> BoolArray:
    """Return where a run of at least a margin without data lies within the margin."""
    from scipy.ndimage import binary_dilation, binary_opening

    missing = ~np.any(components != 0, axis=0)
    if not missing.any():
        return missing
    gaps = binary_opening(missing, np.ones(margin, bool)) if margin > 1 else missing
    return np.asarray(binary_dilation(gaps, np.ones(2 * margin + 1, bool)))


def check_names(pickers: Sequence[ComparedPicker]) -> None:
    """Check that there are pickers to compare, under different names.

    Raises
    ------
    InputError
        If there is none besides the baselines, or two have one name.
    """
    if all(picker.is_baseline for picker in pickers):
        raise InputError("there is no picker to compare: name at least one, such as starting")
    names = [picker.name for picker in pickers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"pickers must have different names, got {', '.join(twice)} twice: name each once")
