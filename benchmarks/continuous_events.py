"""Labelled events put into real continuous noise at several stations, as a source in the ground would send them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from benchmarks.picking_data import LabelledWindow
from benchmarks.picking_methods import Components
from selfseis.pick.high_pass import CausalHighPass

Samples = NDArray[np.float64]
Spans = list[tuple[float, float]]

LABEL_RATE = 100.0  # Hz of the labelled windows
LEAD, TAIL = 3.0, 20.0  # s of a window before its P and after its S
FADE_IN, FADE_OUT = 2.0, 5.0  # s
CLEAREST = 12.0  # least SNR of a labelled P that is scaled down
OWN_NOISE = 0.4  # largest share that its own noise, scaled with it, may have of the noise at its new place
VP_KM_S, VP_VS = 6.0, 1.73
FAINTEST, STRONGEST = 2.0, 60.0  # SNR at the nearest station: peak of P over the standard deviation of noise
NEAREST = 3  # windows of the right S - P among which one is drawn
ROOM = 60.0  # s of noise that an event takes
BEFORE = 12.0  # s of that before the origin


@dataclass(frozen=True, eq=False)
class Template:
    """A labelled event, faded in and out.

    Attributes
    ----------
    waveform : ndarray, shape (3, n_samples)
        East, north and vertical above 1% of the labelled rate.
    p : int
        Sample of the P.
    s_minus_p : float
        Seconds.
    peak, noise : float
        Greatest value of the P, and standard deviation of the noise before it.
    """

    waveform: Samples
    p: int
    s_minus_p: float
    peak: float
    noise: float


@dataclass(frozen=True)
class KnownOnset:
    """An injected event at a station.

    Attributes
    ----------
    event : int
        Its number.
    station : str
        Code.
    p_s, s_s : float
        Seconds after the first sample.
    snr : float
        Peak of the P over the standard deviation of the noise there.
    """

    event: int
    station: str
    p_s: float
    s_s: float
    snr: float


@dataclass(frozen=True)
class Source:
    """Where events come from.

    Attributes
    ----------
    places_km : dict of str to (float, float)
        East and north of each station.
    around_km : float
        How far outside the network.
    depth_km : tuple of float
        Least and largest depth.
    """

    places_km: dict[str, tuple[float, float]]
    around_km: float
    depth_km: tuple[float, float]

    def distances(self, rng: np.random.Generator) -> dict[str, float]:
        """Draw a source, and return its distance in km to each station."""
        places = np.array(list(self.places_km.values()))
        low, high = places.min(axis=0) - self.around_km, places.max(axis=0) + self.around_km
        epicentre, depth = rng.uniform(low, high), rng.uniform(*self.depth_km)
        return {
            code: float(np.hypot(np.hypot(*(np.array(place) - epicentre)), depth))
            for code, place in self.places_km.items()
        }


def templates(
    windows: Sequence[LabelledWindow], rate: float, rows: Sequence[tuple[int, int]]
) -> list[Template]:
    """Cut the clear labelled events out, at a sampling rate.

    Parameters
    ----------
    windows : sequence of LabelledWindow
        The windows.
    rate : float
        Hz.
    rows : sequence of (int, int)
        Which component (east 0, north 1, vertical 2), that must be live, is put where.
    """
    from scipy.signal import resample_poly

    ratio = Fraction(rate / LABEL_RATE).limit_denominator(1000)
    taken, given = (list(side) for side in zip(*rows, strict=True))
    found = []
    for window in windows:
        if not np.all(window.components[taken].std(axis=1) > 0):
            continue
        raw = np.asarray(window.components, np.float32)
        data, _ = CausalHighPass(LABEL_RATE, np.median(raw, axis=1))(raw)
        first, last = window.p - round(LEAD * LABEL_RATE), window.s + round(TAIL * LABEL_RATE)
        noise = float(data[taken, window.p - 1000 : window.p - 100].std(axis=1).max())
        peak = float(np.abs(data[taken, window.p : window.p + 200]).max())
        if peak < CLEAREST * noise:
            continue
        kept = np.zeros_like(data)
        kept[given] = data[taken]
        waveform = resample_poly(kept[:, first:last], ratio.numerator, ratio.denominator, axis=1)
        s_minus_p = (window.s - window.p) / LABEL_RATE
        found.append(
            Template(waveform * _fading(waveform.shape[1], rate), round(LEAD * rate), s_minus_p, peak, noise)
        )
    return found


def slots(spans: Spans) -> list[float]:
    """List origin times in s, each with room for an event, within spans without real ones."""
    return [
        first + BEFORE + number * ROOM
        for first, last in spans
        for number in range(int((last - first) // ROOM))
    ]


def inject(
    stations: dict[str, Components],
    rate: float,
    spans: Spans,
    source: Source,
    events: list[Template],
    seed: int,
) -> tuple[dict[str, Components], list[KnownOnset]]:
    """Put an event into every slot of quiet time at all stations.

    Parameters
    ----------
    stations : dict of str to ndarray, shape (3, n_samples)
        Raw components.
    rate : float
        Hz.
    spans : list of (float, float)
        Seconds without real events.
    source : Source
        Where events come from.
    events : list of Template
        What they look like.
    seed : int
        Seed of the draws.

    Returns
    -------
    injected : dict of str to ndarray
        The components with the events.
    onsets : list of KnownOnset
        What is to be found.
    """
    rng = np.random.default_rng(seed)
    injected = {code: np.array(data, np.float32) for code, data in stations.items()}
    filtered = {
        code: CausalHighPass(rate, np.median(data, axis=1))(data)[0] for code, data in injected.items()
    }
    intervals = np.array([template.s_minus_p for template in events])
    onsets = []
    for number, origin in enumerate(slots(spans)):
        distances = source.distances(rng)
        wanted = np.exp(rng.uniform(np.log(FAINTEST), np.log(STRONGEST)))
        for code, distance in distances.items():
            near = np.argsort(np.abs(intervals - distance * (VP_VS - 1) / VP_KM_S))[:NEAREST]
            template = events[rng.choice(near)]
            at = round((origin + distance / VP_KM_S) * rate)
            noise = float(filtered[code][:, at - round(10 * rate) : at - round(rate)].std(axis=1).max())
            scale = min(
                wanted * min(distances.values()) / distance * noise / template.peak,
                OWN_NOISE * noise / template.noise,
            )
            first = at - template.p
            length = min(template.waveform.shape[1], injected[code].shape[1] - first)
            injected[code][:, first : first + length] += (scale * template.waveform[:, :length]).astype(
                np.float32
            )
            snr = scale * template.peak / noise
            onsets.append(KnownOnset(number, code, at / rate, at / rate + template.s_minus_p, float(snr)))
    return injected, onsets


def _fading(n_samples: int, rate: float) -> Samples:
    fade = np.ones(n_samples)
    n_in, n_out = round(FADE_IN * rate), round(FADE_OUT * rate)
    fade[:n_in] = np.linspace(0, 1, n_in) ** 2
    fade[-n_out:] = np.linspace(1, 0, n_out)
    return fade
