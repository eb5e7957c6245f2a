"""Amplitudes of events: the largest zero-to-peak amplitude on the horizontals of a station in a window around S.

If the response is known, the amplitude is that of a Wood-Anderson seismograph in nm (period 0.8 s, damping 0.8, gain 1,
as in the IASPEI standard). Otherwise it is that of the recording above 1 Hz, in its own units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from selfseis.catalogue.records import Amplitude, Pick
from selfseis.io.obspy_import import obspy
from selfseis.locate.options import AmplitudeOptions
from selfseis.recording import sample_times, sampling_rate
from selfseis.recording.components import Station, stations_of
from selfseis.typing import FloatArray

WOOD_ANDERSON_POLES = (-6.283185 + 4.712389j, -6.283185 - 4.712389j)  # period 0.8 s, damping 0.8


class AmplitudeMeter:
    """Measurement of event amplitudes in a recording.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording. Only short windows are read.
    inventory : obspy.Inventory, optional
        Instrument responses. Without an inventory, the response is taken as flat for ``units`` of m, nm, m/s, nm/s,
        um/s or m/s**2, or with the coordinate ``sensitivity`` (counts per m/s; per m/s**2 for accelerometers).
    options : AmplitudeOptions
        Windows and filters.
    """

    def __init__(
        self,
        recording: xr.DataArray,
        inventory: Any = None,
        options: AmplitudeOptions = AmplitudeOptions(),
    ) -> None:
        self.recording = recording
        self.inventory = inventory
        self.options = options
        self._stations = {station.code: station for station in stations_of(recording)}
        self._rate = sampling_rate(recording)
        self._begin = sample_times(recording, 0)
        self._seed_ids = (
            [str(name) for name in recording["seed_id"].values] if "seed_id" in recording.coords else None
        )

    def measure(self, p_time: np.datetime64, s_time: np.datetime64, station: str) -> Amplitude | None:
        """Measure the amplitude at a station, from just before P to one S - P time (at least 2 s) after S.

        Parameters
        ----------
        p_time, s_time : numpy.datetime64
            Observed or predicted arrival times.
        station : str
            "NET.STA.LOC".

        Returns
        -------
        Amplitude or None
            None if there is no such station, the window has a gap or is clipped, or the signal is below twice the
            noise before P.
        """
        found = self._stations.get(station)
        if found is None or self._seed_ids is None:
            return None
        span = max(float((s_time - p_time) / np.timedelta64(1, "ns")) * 1e-9, self.options.min_window)
        margin = max(0.2 * span, self.options.min_window)
        first, split, last = (
            round(
                float((time - self._begin) / np.timedelta64(1, "ns")) * 1e-9 * self._rate + shift * self._rate
            )
            for time, shift in ((p_time, -span - margin), (p_time, -0.1 * span), (s_time, span))
        )
        first, last = max(first, 0), min(last, self.recording.sizes["time"])
        if last - split < 8 or split - first < 4:
            return None
        measured = [
            amplitude
            for row in _horizontals(found)
            if (amplitude := self._of_channel(row, first, split, last, station)) is not None
        ]
        return max(measured, key=lambda amplitude: amplitude.value, default=None)

    def _of_channel(self, row: int, first: int, split: int, last: int, station: str) -> Amplitude | None:
        data = np.asarray(self.recording[row, first:last].values, float)
        if not np.isfinite(data).all() or not np.ptp(data) or self._is_clipped(data):
            return None
        seed_id = self._seed_ids[row] if self._seed_ids else ""
        to_motion = self._response(row, seed_id, first)
        if to_motion is None:
            filtered = self._filtered(data, self.options.relative_low_cut, None)
        else:
            filtered = 1e9 * self._filtered(data, self.options.low_cut, to_motion)
        edge = max(2, (split - first) // 10)  # tapered part of the window
        noise = np.abs(filtered[edge : split - first]).max(initial=0.0)
        signal = float(np.abs(filtered[split - first : len(data) - edge]).max(initial=0.0))
        if signal < self.options.min_signal_to_noise * noise or signal <= 0:
            return None
        return Amplitude(station, seed_id, signal, to_motion is not None)

    def _is_clipped(self, data: FloatArray) -> bool:
        """Whether many samples have exactly the largest or the smallest value."""
        limit = max(4, self.options.max_clipped_share * len(data))
        return any(int(np.sum(data == extreme)) > limit for extreme in (data.max(), data.min()))

    def _filtered(
        self,
        data: FloatArray,
        low_cut: tuple[float, float],
        to_motion: Callable[[FloatArray], npt.NDArray[Any]] | None,
    ) -> FloatArray:
        """Apply a band-pass with cosine flanks; with a response, convert to Wood-Anderson displacement."""
        n = len(data)
        taper = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / max(1, n // 20))
        padded = 1 << int(np.ceil(np.log2(2 * n)))
        spectrum = np.fft.rfft((data - data.mean()) * np.sin(np.pi / 2 * taper) ** 2, padded)
        f = np.asarray(np.fft.rfftfreq(padded, 1 / self._rate), float)
        nyquist = self._rate / 2
        band = _rise(f, *low_cut) * (1 - _rise(f, *(share * nyquist for share in self.options.high_cut)))
        if to_motion is not None:
            inside = band > 0
            s = 2j * np.pi * f[inside]
            seismograph = s**2 / ((s - WOOD_ANDERSON_POLES[0]) * (s - WOOD_ANDERSON_POLES[1]))
            spectrum[inside] *= seismograph / to_motion(f[inside])
        return np.asarray(np.fft.irfft(spectrum * band, padded)[:n], float)

    def _response(
        self, row: int, seed_id: str, first: int
    ) -> Callable[[FloatArray], npt.NDArray[Any]] | None:
        """Return the recorded signal per m of displacement as a function of frequency; None if unknown."""
        if self.inventory is not None:
            return _from_inventory(self.inventory, seed_id, sample_times(self.recording, first))
        units = str(self.recording.attrs.get("units", "")).lower().replace("^", "**").replace(" ", "")
        if units in _FLAT:
            order, factor = _FLAT[units]
            return lambda f: factor * (2j * np.pi * f) ** order
        if "sensitivity" in self.recording.coords and np.isfinite(self.recording["sensitivity"].values[row]):
            counts = float(self.recording["sensitivity"].values[row])
            order = 2 if seed_id[-2:-1] == "N" else 1
            return lambda f: counts * (2j * np.pi * f) ** order
        return None


# Recorded signal per m of displacement: the power of i omega, and a factor.
_FLAT = {
    "m": (0, 1.0),
    "nm": (0, 1e9),
    "m/s": (1, 1.0),
    "nm/s": (1, 1e9),
    "um/s": (1, 1e6),
    "m/s**2": (2, 1.0),
    "m/s/s": (2, 1.0),
}


def arrival_times(picks: Sequence[Pick], vp_vs: float) -> dict[str, tuple[np.datetime64, np.datetime64]]:
    """Return the P and S times of each station with picks; a missing one follows from the origin time and vp/vs."""
    by = {(pick.station, pick.phase): pick.time for pick in reversed(picks)}
    delays = [
        (by[s, "S"] - by[s, "P"], by[s, "P"])
        for s in {pick.station for pick in picks}
        if (s, "P") in by and (s, "S") in by
    ]
    origins = [
        p - np.timedelta64(int(int(d / np.timedelta64(1, "ns")) / (vp_vs - 1)), "ns") for d, p in delays
    ]
    origin = np.sort(np.array(origins))[len(origins) // 2] if origins else None
    times = {}
    for station in dict.fromkeys(pick.station for pick in picks):
        p, s = by.get((station, "P")), by.get((station, "S"))
        if origin is not None and p is None and s is not None and s > origin:
            p = origin + np.timedelta64(int(int((s - origin) / np.timedelta64(1, "ns")) / vp_vs), "ns")
        if origin is not None and s is None and p is not None and p > origin:
            s = origin + np.timedelta64(int(int((p - origin) / np.timedelta64(1, "ns")) * vp_vs), "ns")
        if p is not None and s is not None and s > p:
            times[station] = (p, s)
    return times


def _horizontals(station: Station) -> list[int]:
    rows = [row for row in (station.east, station.north) if row is not None]
    return rows or [row for row in (station.vertical,) if row is not None]


def _rise(f: FloatArray, low: float, high: float) -> FloatArray:
    return np.asarray(np.sin(np.pi / 2 * np.clip((f - low) / (high - low), 0, 1)) ** 2, float)


def _from_inventory(
    inventory: Any, seed_id: str, when: np.datetime64
) -> Callable[[FloatArray], npt.NDArray[Any]] | None:
    module = obspy()
    time = module.UTCDateTime(ns=int(when.astype("datetime64[ns]").astype(np.int64)))
    try:
        response = inventory.get_response(seed_id, time)
    except Exception:  # ObsPy raises a bare Exception without a response
        return None

    def displacement(f: FloatArray) -> npt.NDArray[Any]:
        return np.asarray(response.get_evalresp_response_for_frequencies(f, output="DISP"))

    return displacement if getattr(response, "response_stages", None) else None
