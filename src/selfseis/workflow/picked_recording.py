"""A recording with its picks, the stations of the picks and their consensus."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from selfseis.catalogue.records import Phase, Pick
from selfseis.consensus.agreement import Consensus, consensus_above_null
from selfseis.consensus.ps_pairs import Moveout, pair_onsets
from selfseis.pick.moveout_support import moveout_of
from selfseis.pick.options import PickerOptions
from selfseis.recording import sampling_rate, start_time
from selfseis.recording.components import Station, channel_name, stations_of
from selfseis.recording.coverage import stretches
from selfseis.typing import FloatArray, IndexArray


@dataclass(frozen=True, eq=False)
class PickedRecording:
    """A recording and its picks.

    Attributes
    ----------
    recording : xarray.DataArray
        The recording.
    picks : list of Pick
        Its picks, in the order of time.
    options : PickerOptions
        Options of the picker, of which those of pairs, common events and moveout are used.
    """

    recording: xr.DataArray
    picks: list[Pick]
    options: PickerOptions = PickerOptions()

    @cached_property
    def stations(self) -> list[Station]:
        """Return the stations of the recording."""
        return stations_of(self.recording)

    @cached_property
    def rate(self) -> float:
        """Return the sampling rate in Hz."""
        return sampling_rate(self.recording)

    @cached_property
    def spans(self) -> FloatArray:
        """Return first and last times with data, shape (n_spans, 2), in s after the recording's start."""
        return np.array(stretches(self.recording), float).reshape(-1, 2) / self.rate

    @cached_property
    def times(self) -> FloatArray:
        """Return the time of each pick in s after the recording's start."""
        times = np.array([pick.time for pick in self.picks], "datetime64[ns]")
        since_start = (times - start_time(self.recording)).astype("timedelta64[ns]")
        return since_start.astype(np.float64) * 1e-9

    def onsets(self, phase: Phase) -> list[FloatArray]:
        """Return time in s and probability of the picks of a phase at each station, shape (n_picks, 2)."""
        of_phase = np.array([pick.phase == phase for pick in self.picks], bool)
        probability = np.array([pick.probability for pick in self.picks], float)
        columns = np.stack([self.times, probability], axis=1)
        return [columns[of_phase & (self.station_numbers == number)] for number in range(len(self.stations))]

    @cached_property
    def station_numbers(self) -> IndexArray:
        """Return the place in `stations` of each pick's sensor; -1 for one that is not in the recording.

        A pick on a channel that is not in the recording belongs to the first sensor of its station.
        """
        names: dict[str, int] = {}
        for number, station in enumerate(self.stations):
            for row in station.rows:
                if row is not None:
                    names[channel_name(self.recording, row)] = number
                    names.setdefault(station.code, number)
        return np.array(
            [names.get(pick.seed_id, names.get(pick.station, -1)) for pick in self.picks], np.intp
        )

    def consensus(self, s_minus_p: tuple[float, float]) -> Consensus:
        """Return the consensus across stations.

        Parameters
        ----------
        s_minus_p : tuple of float
            Minimum and maximum S - P time in s of a pair.
        """
        onsets = zip(self.onsets("P"), self.onsets("S"), strict=True)
        pairs = [pair_onsets(p, s, s_minus_p, self.options.consensus) for p, s in onsets]
        return consensus_above_null(pairs, self.moveout, spans=self.spans, options=self.options.consensus)

    @cached_property
    def moveout(self) -> Moveout:
        """Return the moveout limits of one event across the stations."""
        return moveout_of(self.recording, self.stations, self.options)
