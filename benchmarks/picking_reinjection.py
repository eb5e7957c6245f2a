"""Real events of a station, scaled down and put into its own quiet times: truth that nobody labelled by hand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.picking_methods import Components, Onsets
from selfseis.pick.high_pass import CausalHighPass

BEFORE, AFTER = 45.0, 45.0  # s of a segment before and after the injected P
LEAD, TAIL = 5.0, 15.0  # s of an event before its P and after its S
FADE_IN, FADE_OUT = 3.0, 5.0  # s
QUIET = 50.0  # s without a reference pick
CLEAREST = 12.0  # least SNR of an event that is scaled down
OWN_NOISE = (
    0.4  # largest share that an event's own noise, scaled with it, may have of the noise at its new place
)
FAINTEST, STRONGEST = 2.0, 20.0  # SNR of injected events: peak of P over the standard deviation of noise


@dataclass(frozen=True)
class Reinjection:
    """An event put elsewhere.

    Attributes
    ----------
    station : str
        Code of the station.
    at, source : int
        Samples of the new and of the original P.
    s_minus_p : int
        Samples.
    scale : float
        Factor of its amplitude.
    snr : float
        Peak of the injected P over the standard deviation of the noise, above 1 Hz.
    rate : float
        Hz.
    """

    station: str
    at: int
    source: int
    s_minus_p: int
    scale: float
    snr: float
    rate: float

    @property
    def onset_s(self) -> float:
        """Seconds of the injected P after the segment's start."""
        return BEFORE

    def segment(self, components: Components) -> Components:
        """Cut the segment about the injected event out of a station's components."""
        rate = self.rate
        first = self.at - round(BEFORE * rate)
        segment = components[:, first : first + round((BEFORE + AFTER) * rate)].astype(np.float64)
        begin = round((BEFORE - LEAD) * rate)
        event_first = self.source - round(LEAD * rate)
        length = min(round((LEAD + TAIL) * rate) + self.s_minus_p, segment.shape[1] - begin)
        event = components[:, event_first : event_first + length]
        segment[:, begin : begin + event.shape[1]] += self.scale * event * _fading(event.shape[1], rate)
        return segment


@dataclass(frozen=True)
class _Event:
    source: int
    s_minus_p: int
    peak: float
    noise: float


def reinjections(
    stations: dict[str, Components], reference: dict[str, Onsets], rate: float, n: int, seed: int
) -> list[Reinjection]:
    """Draw events to be put into quiet times of their own stations.

    Parameters
    ----------
    stations : dict of str to ndarray, shape (3, n_samples)
        Raw components.
    reference : dict of str to dict
        Onsets by which events and quiet times are known, down to a low probability.
    rate : float
        Hz.
    n : int
        Number of injections.
    seed : int
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    filtered = {
        code: CausalHighPass(rate, np.median(data, axis=1))(np.asarray(data, np.float32))[0]
        for code, data in stations.items()
    }
    events = {code: _clear_events(filtered[code], reference[code], rate) for code in stations}
    slots = [
        (code, first, last)
        for code in stations
        if events[code]
        for first, last in _quiet_slots(reference[code], stations[code].shape[1] / rate)
    ]
    drawn = []
    for _ in range(n):
        code, first, last = slots[rng.integers(len(slots))]
        event = events[code][rng.integers(len(events[code]))]
        at = int(rng.uniform(first, last) * rate)
        noise = _noise(filtered[code], at, rate)
        wanted = np.exp(rng.uniform(np.log(FAINTEST), np.log(STRONGEST)))
        scale = min(wanted * noise / event.peak, OWN_NOISE * noise / event.noise)
        snr = float(scale * event.peak / noise)
        drawn.append(Reinjection(code, at, event.source, event.s_minus_p, float(scale), snr, rate))
    return drawn


def _clear_events(filtered: Components, reference: Onsets, rate: float) -> list[_Event]:
    """List events with P and S that stand alone and far above the noise."""
    events = []
    p, s = reference["P"], reference["S"]
    for time, probability in p:
        alone = not np.any(
            ((p[:, 0] > time - 15) & (p[:, 0] < time - 1)) | ((p[:, 0] > time + 1) & (p[:, 0] < time + 30))
        )
        later = s[(s[:, 0] > time + 0.5) & (s[:, 0] < time + 25) & (s[:, 1] > 0.2), 0]
        source = round(time * rate)
        if probability < 0.4 or not alone or not len(later) or source < 15 * rate:
            continue
        peak, noise = _peak(filtered, source, rate), _noise(filtered, source, rate)
        if peak / noise >= CLEAREST:
            events.append(_Event(source, round((later[0] - time) * rate), peak, noise))
    return events


def _quiet_slots(reference: Onsets, duration: float) -> list[tuple[float, float]]:
    """List spans in s where a P may be put: no reference pick from 18 s before to 27 s after."""
    picks = np.sort(np.concatenate([reference["P"][:, 0], reference["S"][:, 0]]))
    picks = picks[(picks > BEFORE) & (picks < duration - AFTER)]
    return [(a + 18, b - 27) for a, b in itertools.pairwise(picks) if b - a > QUIET]


def _peak(filtered: Components, at: int, rate: float) -> float:
    return float(np.abs(filtered[:, at - round(0.1 * rate) : at + round(2 * rate)]).max())


def _noise(filtered: Components, at: int, rate: float) -> float:
    return float(filtered[:, at - round(8 * rate) : at - round(0.5 * rate)].std(axis=1).max())


def _fading(n_samples: int, rate: float) -> NDArray[np.float64]:
    fade = np.ones(n_samples)
    n_in, n_out = round(FADE_IN * rate), round(FADE_OUT * rate)
    fade[:n_in] = np.linspace(0, 1, n_in) ** 2
    fade[-n_out:] = np.linspace(1, 0, n_out)
    return fade
