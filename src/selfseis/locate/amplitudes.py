"""Amplitudes of events: the largest zero-to-peak amplitude on the horizontals of a station in a window around S.

If the response is known, the amplitude is that of a Wood-Anderson seismograph in nm (period 0.8 s, damping 0.8, gain 1,
as in the IASPEI standard). Otherwise it is that of the recording above 1 Hz, in its own units. A response whose input
units are no ground motion, such as those of a hydrophone, counts as unknown.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from selfseis.catalogue.records import Amplitude, Pick
from selfseis.geo.channel_epochs import response_at
from selfseis.geo.response_units import motion_units
from selfseis.io.obspy_import import read_inventory
from selfseis.locate.options import AmplitudeOptions
from selfseis.recording import sample_times, sampling_rate
from selfseis.recording.components import Station, stations_of
from selfseis.recording.inventory import inventory_of
from selfseis.typing import FloatArray

ACCELEROMETERS = "NG"  # SEED instrument codes
WOOD_ANDERSON_POLES = (-6.283185 + 4.712389j, -6.283185 - 4.712389j)  # period 0.8 s, damping 0.8


class AmplitudeMeter:
    """Measurement of event amplitudes in a recording.

    Parameters
    ----------
    recording : xarray.DataArray
        The recording. Only short windows are read.
    inventory : obspy.Inventory or path, optional
        Instrument responses; by default those with which the recording was opened. Without one, the response is taken
        as flat for ``units`` of ground motion such as nm/s, or with the coordinate ``sensitivity``: counts per
        ``input_units``, or else per m/s, and per m/s**2 for accelerometers.
    options : AmplitudeOptions
        Windows and filters.

    Attributes
    ----------
    unusable : dict of str to str
        Channels whose response cannot be used, and the reason; known after measuring.
    """

    def __init__(
        self,
        recording: xr.DataArray,
        inventory: Any = None,
        options: AmplitudeOptions = AmplitudeOptions(),
    ) -> None:
        self.recording = recording
        self.inventory = inventory_of(recording) if inventory is None else read_inventory(inventory)
        self.options = options
        self.unusable: dict[str, str] = {}
        self._sensors: dict[str, list[Station]] = {}
        for sensor in stations_of(recording):
            if not sensor.is_pressure:
                self._sensors.setdefault(sensor.code, []).append(sensor)
        self._responses: dict[int, Callable[[FloatArray], npt.NDArray[Any]] | None] = {}
        self._rate = sampling_rate(recording)
        self._begin = sample_times(recording, 0)
        self._seed_ids = (
            [str(name) for name in recording["seed_id"].values] if "seed_id" in recording.coords else None
        )

    def measure(
        self, p_time: np.datetime64, s_time: np.datetime64, station: str, picked: Collection[str] = ()
    ) -> Amplitude | None:
        """Measure the amplitude at a station, from just before P to one S - P time (at least 2 s) after S.

        Parameters
        ----------
        p_time, s_time : numpy.datetime64
            Observed or predicted arrival times.
        station : str
            "NET.STA.LOC".
        picked : collection of str, optional
            Channels with picks. Of several sensors at the station the one with most of them is measured, and another
            only if that one has no amplitude.

        Returns
        -------
        Amplitude or None
            None if there is no such station, the window has a gap or is clipped, or the signal is below twice the
            noise before P.
        """
        if self._seed_ids is None:
            return None
        sensors = sorted(self._sensors.get(station, []), key=lambda sensor: -self._n_picked(sensor, picked))
        measured = (self._of_sensor(sensor, p_time, s_time) for sensor in sensors)
        return next((amplitude for amplitude in measured if amplitude is not None), None)

    def _n_picked(self, sensor: Station, picked: Collection[str]) -> int:
        return sum(
            row is not None and self._seed_ids is not None and self._seed_ids[row] in picked
            for row in sensor.rows
        )

    def _of_sensor(self, sensor: Station, p_time: np.datetime64, s_time: np.datetime64) -> Amplitude | None:
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
            for row in _horizontals(sensor)
            if (amplitude := self._of_channel(row, first, split, last, sensor.code)) is not None
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
        if recorded := motion_units(str(self.recording.attrs.get("units", ""))):
            return _flat(recorded.per_si, recorded.derivative)
        if self.inventory is not None:
            time_ns = int(sample_times(self.recording, first).astype("datetime64[ns]").astype(np.int64))
            stated = response_at(self.inventory, seed_id, time_ns)
            return None if stated is None else self._checked_response(stated, seed_id)
        if "sensitivity" not in self.recording.coords:
            return None
        counts = float(self.recording["sensitivity"].values[row])
        spelled = (
            str(self.recording["input_units"].values[row]) if "input_units" in self.recording.coords else ""
        )
        units = motion_units(spelled or ("m/s**2" if seed_id[-2:-1] in ACCELEROMETERS else "m/s"))
        if units is None:
            self.unusable[seed_id] = f"its sensitivity is per {spelled}"
        return _flat(counts * units.per_si, units.derivative) if units and np.isfinite(counts) else None

    def _checked_response(self, stated: Any, seed_id: str) -> Callable[[FloatArray], npt.NDArray[Any]] | None:
        """Return the response of an ObsPy Response; None, with the reason in `unusable`, without units of motion."""
        if id(stated) not in self._responses:
            found, reason = displacement_response(stated)
            self._responses[id(stated)] = found
            if found is None:
                self.unusable[seed_id] = reason
        return self._responses[id(stated)]


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


def _flat(per_si: float, derivative: int) -> Callable[[FloatArray], npt.NDArray[Any]]:
    return lambda f: per_si * (2j * np.pi * f) ** derivative


def displacement_response(stated: Any) -> tuple[Callable[[FloatArray], npt.NDArray[Any]] | None, str]:
    """Return the counts per m of displacement of an ObsPy Response, or None and the reason.

    Parameters
    ----------
    stated : obspy.core.inventory.Response
        With stages, or with a sensitivity only, which is taken as flat. Its input units decide what it refers to:
        ObsPy's own conversion to displacement takes units that it does not know as velocity.
    """
    sensitivity = getattr(stated, "instrument_sensitivity", None)
    stages = getattr(stated, "response_stages", None) or []
    spelled = str((getattr(stages[0], "input_units", None) if stages else None)
                  or getattr(sensitivity, "input_units", None) or "")  # fmt: skip
    units = motion_units(spelled)
    if units is None:
        return None, f"its response is per {spelled}" if spelled else "its response states no input units"
    if not stages:
        value = float(getattr(sensitivity, "value", None) or np.nan)
        if not np.isfinite(value):
            return None, "its response states no sensitivity"
        return _flat(value * units.per_si, units.derivative), ""
    in_si = copy.deepcopy(stated)  # evalresp scales some prefixes and not others, so it gets none
    in_si.response_stages[0].input_units = units.si_name.upper()
    if in_si.instrument_sensitivity is not None:
        in_si.instrument_sensitivity.input_units = units.si_name.upper()

    def displacement(f: FloatArray) -> npt.NDArray[Any]:
        per_si = np.asarray(in_si.get_evalresp_response_for_frequencies(f, output="DEF"))
        return per_si * units.per_si * (2j * np.pi * f) ** units.derivative

    return displacement, ""
