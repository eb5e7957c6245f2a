"""The picker: an estimator of P and S onsets that is trained on an unlabelled recording."""

from __future__ import annotations

from dataclasses import replace
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
    ReliabilityBin,
    false_picks,
    held_out_reliability,
    run_injection_test,
)
from selfseis.pick.evaluate import evaluate_picker
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import EDGE, Annotator, NetworkDetector, OnsetCandidates, ProgressCallback
from selfseis.pick.model import PickerModel
from selfseis.pick.moveout_support import MIN_VELOCITY, is_long_fibre, supported
from selfseis.pick.noise_windows import noise_bank, sampled_windows
from selfseis.pick.pseudo_labels import LABEL_SD, MIN_SUPPORT_HEIGHT
from selfseis.pick.self_training import ProgressCallback as TrainingProgress
from selfseis.pick.self_training import Round, SelfTraining
from selfseis.pick.synthetic_examples import ExampleMaker
from selfseis.pick.time_split import split_times, test_times, window_of
from selfseis.recording import is_fibre, sample_times, sampling_rate
from selfseis.recording.components import Station, channel_name, held_out_stations, stations_of, training_part
from selfseis.simulate.onsets import OnsetBank, OnsetPrior
from selfseis.training import TrainingRecord
from selfseis.typing import Float32Array, FloatArray
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from obspy import Stream
    from torch import nn


N_WAVELETS = 2000
N_REVERSED_WINDOWS = 1500  # time-reversed windows in which false alarms are counted: about a day at 100 Hz
N_UNTRAINED_WINDOWS = 240  # windows that set the normalisation of the untrained network
PAIRED_BEYOND = 2.0  # upper limit of S - P of a pair, as a multiple of the upper limit of the prior
ONE_STATION = "A single station has no other station that could confirm its picks"
INJECTION_TEST = "injection_test"  # key of the verdict's details
NOT_EVALUATED = "The picker has not been evaluated yet."


class Picker(Estimator):
    """Pick P and S onsets with a network that is trained on the recording itself, without labels.

    Three quarters of the time are training data; with four stations or more, so are three quarters of the stations.
    The consensus across stations in the remaining time selects the round of self-training that is kept, and gives
    the verdict.

    Parameters
    ----------
    false_alarms_per_day : float
        Accepted false alarms of each phase per station and day.
    s_minus_p : tuple of float, optional
        Minimum and maximum S - P in s. By default 30 to 1300 samples: 0.3 to 13 s at 100 Hz.
    band : tuple of float, optional
        Pass band in Hz of the causal filter. By default a high-pass above the microseism: from 1 Hz, or from 1% (5%)
        of the sampling rate where that is more (less).
    rounds : int
        Maximum number of rounds of self-training on the consensus across stations.
    training_fraction : float
        Number of training steps as a fraction of the full training, which takes some 10 minutes on one core. A tenth
        is enough to test the workflow; such a picker misses onsets that the full training finds.
    seed : int
        Seed of all random numbers.

    Attributes
    ----------
    model_ : PickerModel
        The fitted state, which holds all attributes below except the thresholds.
    net_ : OnsetNet
        The network.
    rate_ : float
        Sampling rate in Hz.
    window_ : int
        Samples of the network's window.
    calibration_ : Calibration
        Maps from the height of a pick to its probability and time uncertainty.
    false_picks_ : FalsePicks
        Picks in the time-reversed recording, from which thresholds follow.
    threshold_ : dict of str to float
        Minimum height of a pick, for P and S.
    threshold_is_extrapolated_ : bool
        Whether the recording was too short to count so low a rate of false alarms.
    rounds_ : list of Round
        Results of each round of self-training.
    reliability_ : dict of str to list
        Stated probability and observed share of true onsets, in held-out noise.
    training_record_ : TrainingRecord
        Times that were used for training or validation. They are excluded from every evaluation.
    training_sites_ : list of str
        Sites of the training stations. A recording that shares times with the training data is evaluated at the
        other sites, if it has any.
    verdict_ : Verdict
        Evaluation by other stations at the test times.

    Examples
    --------
    >>> from selfseis import Picker, open_recording
    >>> picker = Picker(s_minus_p=(0.3, 6.0), training_fraction=0.1)
    >>> picker.get_params()["training_fraction"]
    0.1
    >>> picker.fit(open_recording("archive")).pick(open_recording("archive"))  # doctest: +SKIP
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

    @property
    def net_(self) -> nn.Module:
        """The network."""
        return self.model_.net

    @property
    def rate_(self) -> float:
        """Sampling rate in Hz."""
        return self.model_.rate

    @property
    def window_(self) -> int:
        """Samples of the network's window."""
        return self.model_.window

    @property
    def calibration_(self) -> Calibration:
        """Maps from the height of a pick to its probability and time uncertainty."""
        return self.model_.calibration

    @property
    def false_picks_(self) -> FalsePicks:
        """Picks in the time-reversed recording."""
        return self.model_.false_picks

    @property
    def rounds_(self) -> list[Round]:
        """Results of each round of self-training."""
        return self.model_.rounds

    @property
    def reliability_(self) -> dict[Phase, list[ReliabilityBin]]:
        """Stated probability and observed share of true onsets."""
        return self.model_.reliability

    @property
    def training_record_(self) -> TrainingRecord:
        """Times that were used for training or validation."""
        return self.model_.training_record

    @property
    def training_sites_(self) -> list[str]:
        """Sites of the training stations."""
        return self.model_.training_sites

    @property
    def verdict_(self) -> Verdict:
        """Evaluation at the test times."""
        return self.model_.verdict

    @property
    def threshold_(self) -> dict[Phase, float]:
        """Minimum height of a pick, for P and S."""
        return self.model_.thresholds(self.false_alarms_per_day)

    @property
    def threshold_is_extrapolated_(self) -> bool:
        """Whether the recording was too short to count so low a rate."""
        return self.false_picks_.is_extrapolated(self.false_alarms_per_day)

    @property
    def paired_s_minus_p(self) -> tuple[float, float]:
        """Minimum and maximum S - P in s of an S and a P that may form a pair."""
        return _paired_s_minus_p(self._prior(self.rate_))

    def fit(
        self,
        recording: xr.DataArray,
        *,
        checkpoint: Path | None = None,
        progress: TrainingProgress | None = None,
    ) -> Self:
        """Train on a recording and evaluate the result at its test times.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, dims (channel, time).
        checkpoint : Path, optional
            Folder for the checkpoint from which an interrupted training resumes.
        progress : callable, optional
            Called with a `Stage` during training.

        Raises
        ------
        InputError
            If no station has data for a window without a gap, or S - P or training_fraction is out of range.
        """
        if not 0 < self.training_fraction < np.inf:
            raise InputError(
                f"training_fraction must be a number above 0, such as 1 or 0.1, got {self.training_fraction:g}"
            )
        recording = training_part(recording)
        rate, window = sampling_rate(recording), window_of(recording)
        stations = stations_of(recording)
        high_pass = CausalHighPass.measure(recording, self.band)
        time_split = split_times(recording, window)
        held_out = held_out_stations(stations)
        training_stations = [station for number, station in enumerate(stations) if number not in held_out]
        training_record = TrainingRecord.of(
            recording, sorted(time_split.training + time_split.validation), range(recording.sizes["channel"])
        )
        noise = noise_bank(recording, training_stations, high_pass, window, self.seed, time_split.training)
        rng = np.random.default_rng(self.seed)
        bank = OnsetBank.draw(rng, N_WAVELETS, min(3072, window), high_pass=high_pass.low / rate)
        prior = self._prior(rate)
        maker = ExampleMaker(noise, prior, bank)
        self_training = SelfTraining(
            recording,
            stations,
            high_pass,
            maker,
            s_minus_p=_paired_s_minus_p(prior),
            s_minus_p_is_known=self.s_minus_p is not None,
            moveout=moveout_of(recording, stations),
            time_split=time_split,
            seed=self.seed,
            held_out=held_out,
            checkpoint=checkpoint and checkpoint / storage.fingerprint(self.get_params(), noise),
            training_fraction=self.training_fraction,
        )
        net, rounds = self_training.run(self.rounds, progress)
        annotator = Annotator(net, high_pass, window)
        injections = run_injection_test(annotator, maker, rate, self.seed)
        windows = sampled_windows(recording, stations, high_pass, window, N_REVERSED_WINDOWS, self.seed)
        reversed_picks = false_picks(annotator, windows, rate)
        model = PickerModel(
            net=net,
            rate=rate,
            window=window,
            calibration=Calibration.measure(injections.measured, sd_s=LABEL_SD / rate),
            # Rounded as in the stored model: a loaded picker has the same threshold to the last digit.
            false_picks=FalsePicks.from_dict(reversed_picks.to_dict()),
            rounds=rounds,
            reliability={phase: held_out_reliability(known) for phase, known in injections.measured.items()},
            training_record=training_record,
            training_sites=sorted({station.site for station in training_stations}),
            verdict=Verdict.undecided("pick", NOT_EVALUATED),
        )
        verdict = self._evaluate(model, recording, {INJECTION_TEST: injections.counts})
        self.model_ = replace(model, verdict=verdict)
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
            The recording, at the sampling rate of the training data; its stations may differ.
        false_alarms_per_day : float, optional
            Accepted rate of false alarms; by default that of the picker.
        min_probability : float, optional
            Picks of at least this probability are returned whatever the rate of false alarms.
        progress : callable, optional
            Called with the number of samples done and the total.

        Returns
        -------
        list of Pick
            In order of time.

        Raises
        ------
        InputError
            If the sampling rate differs from that of the training data.
        """
        self._check_fits(recording)
        stations = stations_of(recording)
        per_day = false_alarms_per_day or self.false_alarms_per_day
        high_pass = CausalHighPass.measure(recording, self.band)
        candidates = NetworkDetector(self._annotator(high_pass)).find(recording, stations, progress)
        picks = []
        by_phase = [onsets.p for onsets in candidates], [onsets.s for onsets in candidates]
        for phase, of_phase in zip(PHASES, by_phase, strict=True):
            if is_long_fibre(recording):
                accepted = supported(of_phase, recording, per_day, min_probability, self.seed)
            else:
                accepted = [self._accepted(phase, onsets, per_day, min_probability) for onsets in of_phase]
            for station, onsets in zip(stations, accepted, strict=True):
                picks += self._picks(recording, station, phase, onsets)
        return in_time(picks)

    def annotate(self, recording: xr.DataArray) -> Stream:
        """Return probabilities as an ObsPy stream in memory, as SeisBench's ``annotate`` does.

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
        """Evaluate the picker at all times of a recording that were used neither for training nor for validation.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, at the sampling rate of the training data.

        Returns
        -------
        Verdict
            Its detail ``training_share`` is the share of the time that was left out.

        Raises
        ------
        InputError
            If the sampling rate differs from that of the training data.
        """
        self._check_fits(recording)
        injections = self.verdict_.details[INJECTION_TEST]
        return self._evaluate(self.model_, recording, {INJECTION_TEST: injections})

    def save(self, folder: Path | str) -> None:
        """Write the picker to a folder atomically."""
        storage.save(Path(folder), self.get_params(), self.model_)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a picker from a folder.

        Raises
        ------
        InputError
            If the folder holds no picker, a damaged one, or one of another format.
        """
        parameters, model = storage.load(Path(folder))
        picker = cls(**parameters)
        picker.model_ = model
        return picker

    def _prior(self, rate: float) -> OnsetPrior:
        if self.s_minus_p is not None and not 0 < self.s_minus_p[0] < self.s_minus_p[1]:
            raise InputError(
                f"s_minus_p must be two rising numbers above 0 (S - P in s), got {self.s_minus_p}"
            )
        return OnsetPrior.at(rate, self.s_minus_p)

    def _annotator(self, high_pass: CausalHighPass) -> Annotator:
        return Annotator(self.net_, high_pass, self.window_)

    def _accepted(
        self, phase: Phase, onsets: FloatArray, per_day: float, min_probability: float | None
    ) -> FloatArray:
        """Return position and probability of the onsets above the threshold."""
        threshold = self.false_picks_.threshold(phase, per_day)
        if min_probability is not None:
            threshold = min(threshold, self.calibration_.height_of(phase, min_probability))
        at, height = onsets[onsets[:, 1] >= threshold].T
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

    def _evaluate(
        self, model: PickerModel, recording: xr.DataArray, training_details: dict[str, Any]
    ) -> Verdict:
        """Evaluate at times without training data; `training_details` go with recordings that hold training data."""
        trained_on = model.training_record.times_in(recording)
        recording = training_part(recording)
        stations = stations_of(recording)
        spans, share = test_times(recording, model.window, trained_on)
        details = {"training_share": share} | (training_details if trained_on else {})
        if len({station.site for station in stations}) < 2:
            pointer = f"; see {INJECTION_TEST} in the details." if trained_on else "."
            return Verdict.undecided("pick", ONE_STATION + pointer, details=details)
        if not spans:
            return Verdict.all_training_data("pick", details)
        held_out = [
            number
            for number, station in enumerate(stations)
            if trained_on and station.site not in model.training_sites
        ]
        high_pass = CausalHighPass.measure(recording, self.band)
        windows = sampled_windows(
            recording, stations, high_pass, model.window, N_UNTRAINED_WINDOWS, self.seed
        )
        untrained = Annotator(untrained_net(windows, self.seed), high_pass, model.window)
        trained = Annotator(model.net, high_pass, model.window)
        candidates: dict[str, list[OnsetCandidates]] = {
            "the picker": [
                onsets.above(MIN_SUPPORT_HEIGHT)
                for onsets in NetworkDetector(trained).find(recording, stations)
            ],
            "STA/LTA with AIC": AicDetector(high_pass).find(recording, stations),
            "untrained network": NetworkDetector(untrained, 0.0).find(recording, stations),
        }
        s_minus_p = _paired_s_minus_p(self._prior(model.rate))
        moveout = moveout_of(recording, stations)
        return evaluate_picker(candidates, model.rate, s_minus_p, moveout, spans, details, held_out)

    def _check_fits(self, recording: xr.DataArray) -> None:
        rate = sampling_rate(recording)
        if not np.isclose(rate, self.rate_, rtol=1e-3):
            raise InputError(
                f"the picker was trained at {self.rate_:g} Hz, the recording has {rate:g} Hz: resample the recording, "
                "or train a picker at its rate"
            )


def _paired_s_minus_p(prior: OnsetPrior) -> tuple[float, float]:
    shortest, longest = prior.s_minus_p
    return shortest, PAIRED_BEYOND * longest


def moveout_of(recording: xr.DataArray, stations: list[Station]) -> Moveout:
    """Return the moveout limits of one event across stations, from station positions where they are known."""
    rate = sampling_rate(recording)
    if is_fibre(recording):
        along = np.asarray(recording["distance"].values, float)[[station.row_of("P") for station in stations]]
        return Moveout.from_distances(
            np.abs(np.subtract.outer(along, along)) / 1000, rate, MIN_VELOCITY / 1000
        )
    sites = [station.site for station in stations]
    if not {"latitude", "longitude"} <= set(recording.coords):
        return Moveout.without_coordinates(len(stations), rate).separate_sites(sites)
    rows = [station.row_of("P") for station in stations]
    latitude, longitude = (
        np.asarray(recording[name].values, float)[rows] for name in ("latitude", "longitude")
    )
    return Moveout.from_coordinates(latitude, longitude, rate).separate_sites(sites)
