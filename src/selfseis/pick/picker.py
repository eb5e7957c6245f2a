"""The picker: learn onsets on unlabelled recordings, judge by other stations, pick other recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.base import Estimator
from selfseis.catalogue.records import PHASES, Phase, Pick, in_time
from selfseis.consensus.ps_pairs import Moveout
from selfseis.errors import InputError
from selfseis.pick import model as storage
from selfseis.pick.baselines import AicDetector, untrained_net
from selfseis.pick.calibration import (
    Calibration,
    FalsePicks,
    InjectionTest,
    false_picks,
    reliability_held_out,
    run_injection_test,
)
from selfseis.pick.evaluate import evaluate_picker
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import EDGE, Annotator, NetworkDetector, OnsetCandidates, ProgressCallback
from selfseis.pick.moveout_support import SLOWEST, is_long_fibre, supported
from selfseis.pick.noise_windows import noise_bank, sampled_windows
from selfseis.pick.pseudo_labels import FAINT, LABEL_SD
from selfseis.pick.self_training import ProgressCallback as CourseReport
from selfseis.pick.self_training import SelfTraining
from selfseis.pick.synthetic_examples import ExampleMaker
from selfseis.pick.time_split import held_out_times, split_times, window_of
from selfseis.recording import is_fibre, sample_times, sampling_rate
from selfseis.recording.components import Station, channel_name, hidden_stations, stations_of, training_part
from selfseis.simulate.onsets import OnsetBank, OnsetPrior
from selfseis.training import TrainingRecord
from selfseis.typing import Float32Array, FloatArray
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from obspy import Stream


N_WAVELETS = 2000
BACKWARDS = 1500  # windows that are picked backwards, to count false alarms: a day at 100 Hz
SHOWN = 240  # windows that the untrained network sees
PAIRED_BEYOND = 2.0  # times the longest S - P of the prior within which an S may still belong to a P
ALONE = "One station alone has no other that could confirm its picks"
IN_DETAILS = "; the onsets put into its noise are in the details."
PUT_IN = "onsets put into hidden noise"


class Picker(Estimator):
    """Pick P and S onsets with a network that learnt on the recording itself, without labels.

    It learns from three quarters of the time and, where there are four stations or more, of the stations. What
    stations agree on in the rest chooses the round of learning that is kept, and gives the verdict.

    Parameters
    ----------
    false_alarms_per_day : float
        False alarms of each phase that are accepted a day at each station.
    s_minus_p : tuple of float, optional
        Shortest and longest S - P in s. By default 30 to 1300 samples: 0.3 to 13 s at 100 Hz.
    band : tuple of float, optional
        Pass band in Hz of the causal filter; by default all above the microseism, from 1 Hz, or from 1% (5%) of the
        sampling rate where that is more (less).
    rounds : int
        Largest number of rounds in which it learns from what stations agree on.
    training_fraction : float
        Steps of training as a share of the full course, which takes some 10 minutes on one core. A tenth shows
        whether everything is joined up; such a picker misses onsets that the full course finds.
    seed : int
        Seed of everything random.

    Attributes
    ----------
    net_ : OnsetNet
        The network.
    rate_ : float
        Sampling rate in Hz.
    window_ : int
        Samples of the network's window.
    calibration_ : Calibration
        What heights of picks mean.
    false_picks_ : FalsePicks
        Picks in the recording run backwards, from which thresholds follow.
    rounds_ : list of Round
        What each round mined and brought.
    training_record_ : TrainingRecord
        The times that it learnt from or chose a round by, on which it is not judged.
    training_sites_ : list of str
        Sites of the stations that it learnt from. A recording of which some times were learnt from is judged at the
        others, if it has any.
    reliability_ : dict of str to list
        Stated probability against the share of true onsets, in hidden noise.
    verdict_ : Verdict
        What other stations say at hidden times.
    """

    def __init__(
        self,
        *,
        false_alarms_per_day: float = 1.0,
        s_minus_p: tuple[float, float] | None = None,
        band: tuple[float, float] | None = None,
        rounds: int = 4,
        training_fraction: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.false_alarms_per_day = false_alarms_per_day
        self.s_minus_p = s_minus_p
        self.band = band
        self.rounds = rounds
        self.training_fraction = training_fraction
        self.seed = seed

    def fit(
        self,
        recording: xr.DataArray,
        *,
        checkpoint: Path | None = None,
        progress: CourseReport | None = None,
    ) -> Self:
        """Learn on a recording and judge the result at its hidden times.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, dims (channel, time).
        checkpoint : Path, optional
            Folder in which an interrupted training is kept and from which it goes on.
        progress : callable, optional
            Called with a `Stage` as training goes on.

        Raises
        ------
        InputError
            If no station has data for a window without a gap, or S - P or training_fraction makes no sense.
        """
        if not 0 < self.training_fraction < np.inf:
            raise InputError(
                f"training_fraction must be a number above 0, such as 1 or 0.1, and is {self.training_fraction:g}"
            )
        recording = training_part(recording)
        self.rate_ = sampling_rate(recording)
        self.window_ = window_of(recording)
        stations = stations_of(recording)
        high_pass = CausalHighPass.measure(recording, self.band)
        time_split = split_times(recording, self.window_)
        hidden = hidden_stations(stations)
        training = [station for number, station in enumerate(stations) if number not in hidden]
        self.training_record_ = TrainingRecord.of(
            recording, sorted(time_split.training + time_split.choosing), range(recording.sizes["channel"])
        )
        self.training_sites_ = sorted({station.site for station in training})
        noise = noise_bank(recording, training, high_pass, self.window_, self.seed, time_split.training)
        rng = np.random.default_rng(self.seed)
        bank = OnsetBank.draw(rng, N_WAVELETS, min(3072, self.window_), high_pass=high_pass.low / self.rate_)
        maker = ExampleMaker(noise, self._prior(), bank)
        self_training = SelfTraining(
            recording,
            stations,
            high_pass,
            maker,
            s_minus_p=self.paired_s_minus_p,
            s_minus_p_is_known=self.s_minus_p is not None,
            moveout=moveout_of(recording, stations),
            time_split=time_split,
            seed=self.seed,
            hidden=hidden,
            checkpoint=checkpoint and checkpoint / storage.fingerprint(self, noise),
            training_fraction=self.training_fraction,
        )
        self.net_, self.rounds_ = self_training.learn(self.rounds, progress)
        annotator = self._annotator(high_pass)
        injections = run_injection_test(annotator, maker, self.rate_, self.seed)
        windows = sampled_windows(recording, stations, high_pass, self.window_, BACKWARDS, self.seed)
        self._calibrate(injections, false_picks(annotator, windows, self.rate_))
        self.verdict_ = self._judge(recording, {PUT_IN: injections.counts})
        return self

    def pick(
        self,
        recording: xr.DataArray,
        *,
        false_alarms_per_day: float | None = None,
        min_probability: float | None = None,
        progress: ProgressCallback | None = None,
    ) -> list[Pick]:
        """Pick a recording.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, at the sampling rate of the one that was learnt from; other stations will do.
        false_alarms_per_day : float, optional
            Another rate than the picker's own.
        min_probability : float, optional
            Also return picks that are at least so probable, whatever their rate.
        progress : callable, optional
            Called with the number of samples done and of all.

        Returns
        -------
        list of Pick
            In the order of time.

        Raises
        ------
        InputError
            If the sampling rate is another.
        """
        self._check_fits(recording)
        stations = stations_of(recording)
        per_day = false_alarms_per_day or self.false_alarms_per_day
        high_pass = CausalHighPass.measure(recording, self.band)
        found = NetworkDetector(self._annotator(high_pass)).find(recording, stations, progress)
        picks = []
        for phase, of_phase in zip(PHASES, ([f.p for f in found], [f.s for f in found]), strict=True):
            if is_long_fibre(recording):
                sure = supported(of_phase, recording, per_day, min_probability, self.seed)
            else:
                sure = [self._sure(phase, onsets, per_day, min_probability) for onsets in of_phase]
            for station, onsets in zip(stations, sure, strict=True):
                picks += self._picks(recording, station, phase, onsets)
        return in_time(picks)

    def annotate(self, recording: xr.DataArray) -> Stream:
        """Return probabilities as an ObsPy stream, as SeisBench's ``annotate`` does; held in memory.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.

        Returns
        -------
        obspy.Stream
            Channels ``Picker_P`` and ``Picker_S`` of each station.
        """
        from selfseis.pick.inference import probability_stream

        self._check_fits(recording)
        stations = stations_of(recording)
        annotator = self._annotator(CausalHighPass.measure(recording, self.band))
        spans = [
            (span.first, span.probability[:, :, EDGE : EDGE + span.n_core])
            for span in annotator.along(recording, stations)
        ]
        return probability_stream(recording, stations, spans)

    def probabilities(self, components: NDArray) -> Float32Array:
        """Return probabilities of P and S, shape (2, n_samples), of raw east, north and vertical (3, n_samples)."""
        data = np.asarray(components, np.float32)
        offset = np.nan_to_num(np.nanmedian(data, axis=1)).astype(np.float32)
        high_pass = CausalHighPass(self.rate_, offset, self.band)
        return self._annotator(high_pass).probabilities(high_pass(data)[0])

    def evaluate(self, recording: xr.DataArray) -> Verdict:
        """Judge on what it has not learnt from: all of another recording, the hidden part of its own.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, at the sampling rate of the one that was learnt from.

        Returns
        -------
        Verdict
            Its details state under ``training_share`` how much of the time was left out.

        Raises
        ------
        InputError
            If the sampling rate is another.
        """
        self._check_fits(recording)
        return self._judge(recording, {PUT_IN: self.verdict_.details[PUT_IN]})

    def save(self, folder: Path | str) -> None:
        """Write the picker to a folder, all or nothing."""
        storage.save(self, Path(folder))

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a picker from a folder.

        Raises
        ------
        InputError
            If the folder holds no picker, or a damaged one.
        """
        return storage.load(cls, Path(folder))

    def _prior(self) -> OnsetPrior:
        if self.s_minus_p is not None and not 0 < self.s_minus_p[0] < self.s_minus_p[1]:
            raise InputError(f"S - P of {self.s_minus_p} s makes no sense: give two rising numbers above 0")
        return OnsetPrior.at(self.rate_, self.s_minus_p)

    @property
    def paired_s_minus_p(self) -> tuple[float, float]:
        """Least and largest S - P in s with which an S may belong to a P."""
        shortest, longest = self._prior().s_minus_p
        return shortest, PAIRED_BEYOND * longest

    def _annotator(self, high_pass: CausalHighPass) -> Annotator:
        return Annotator(self.net_, high_pass, self.window_)

    def _calibrate(self, injections: InjectionTest, false: FalsePicks) -> None:
        self.calibration_ = Calibration.measure(injections.measured, sd_s=LABEL_SD / self.rate_)
        self.reliability_ = {
            phase: reliability_held_out(known) for phase, known in injections.measured.items()
        }
        # As they are stored: a loaded picker has the same threshold to the last digit.
        self.false_picks_ = FalsePicks.from_dict(false.to_dict())

    @property
    def threshold_(self) -> dict[Phase, float]:
        """Least height of a pick, for P and S."""
        return {phase: self.false_picks_.threshold(phase, self.false_alarms_per_day) for phase in PHASES}

    @property
    def threshold_is_extrapolated_(self) -> bool:
        """Whether the recording was too short to count so low a rate."""
        return self.false_picks_.is_extrapolated(self.false_alarms_per_day)

    def _sure(
        self, phase: Phase, onsets: FloatArray, per_day: float, min_probability: float | None
    ) -> FloatArray:
        """Return position and probability of the onsets that are high enough."""
        bar = self.false_picks_.threshold(phase, per_day)
        if min_probability is not None:
            bar = min(bar, self.calibration_.height_of(phase, min_probability))
        at, height = onsets[onsets[:, 1] >= bar].T
        return np.column_stack([at, self.calibration_.probability_of(phase, height)])

    def _picks(
        self, recording: xr.DataArray, station: Station, phase: Phase, onsets: FloatArray
    ) -> list[Pick]:
        if not len(onsets):
            return []
        probability = onsets[:, 1]
        sd = self.calibration_.sd_of(phase, probability)
        seed_id = channel_name(recording, station.row_of(phase))
        at = np.clip(onsets[:, 0], 0, recording.sizes["time"] - 1)
        whole = np.floor(at).astype(int)
        between = np.round((at - whole) / self.rate_ * 1e9).astype("timedelta64[ns]")
        times = sample_times(recording, whole).astype("datetime64[ns]") + between
        return [
            Pick(seed_id, phase, time, float(p), float(s))
            for time, p, s in zip(times, probability, sd, strict=True)
        ]

    def _judge(self, recording: xr.DataArray, of_learning: dict[str, Any]) -> Verdict:
        """Judge where it was not taught; what is known of learning belongs to a recording that was learnt from."""
        training = self.training_record_.times_in(recording)
        recording = training_part(recording)
        stations = stations_of(recording)
        judging, share = held_out_times(recording, self.window_, training)
        details = {"training_share": share} | (of_learning if training else {})
        if len({station.site for station in stations}) < 2:
            return Verdict.undecided("pick", ALONE + (IN_DETAILS if training else "."), details=details)
        if not judging:
            return Verdict.all_training_data("pick", details)
        hidden = [
            number for number, s in enumerate(stations) if training and s.site not in self.training_sites_
        ]
        high_pass = CausalHighPass.measure(recording, self.band)
        windows = sampled_windows(recording, stations, high_pass, self.window_, SHOWN, self.seed)
        untrained = untrained_net(windows, self.seed)
        detectors: dict[str, list[OnsetCandidates]] = {
            "the picker": [
                onsets.above(FAINT)
                for onsets in NetworkDetector(self._annotator(high_pass)).find(recording, stations)
            ],
            "STA/LTA with AIC": AicDetector(high_pass).find(recording, stations),
            "untrained network": NetworkDetector(Annotator(untrained, high_pass, self.window_), 0.0).find(
                recording, stations
            ),
        }
        moveout = moveout_of(recording, stations)
        return evaluate_picker(
            detectors, self.rate_, self.paired_s_minus_p, moveout, judging, details, hidden
        )

    def _check_fits(self, recording: xr.DataArray) -> None:
        rate = sampling_rate(recording)
        if not np.isclose(rate, self.rate_, rtol=1e-3):
            raise InputError(
                f"the picker was learnt at {self.rate_:g} Hz, not at {rate:g} Hz: learn one there, or resample"
            )


def moveout_of(recording: xr.DataArray, stations: list[Station]) -> Moveout:
    """Return what onsets of one event have in common at stations, from their places where these are known."""
    rate = sampling_rate(recording)
    if is_fibre(recording):
        along = np.asarray(recording["distance"].values, float)[[station.row_of("P") for station in stations]]
        return Moveout.over(np.abs(np.subtract.outer(along, along)) / 1000, rate, SLOWEST / 1000)
    sites = [station.site for station in stations]
    if not {"latitude", "longitude"} <= set(recording.coords):
        return Moveout.unknown(len(stations), rate).between_sites(sites)
    rows = [station.row_of("P") for station in stations]
    latitude, longitude = (
        np.asarray(recording[name].values, float)[rows] for name in ("latitude", "longitude")
    )
    return Moveout.between(latitude, longitude, rate).between_sites(sites)
