"""The picker: an estimator of P and S onsets that is trained on an unlabelled recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.catalogue.records import PHASES, Phase, Pick, in_time
from selfseis.consensus.ps_pairs import Moveout
from selfseis.errors import InputError
from selfseis.models.store import StoredEstimator
from selfseis.pick.baselines import AicDetector, untrained_net
from selfseis.pick.calibration import (
    Calibration,
    FalsePicks,
    InjectionTest,
    ReliabilityBin,
    false_picks,
    held_out_reliability,
    run_injection_test,
)
from selfseis.pick.evaluate import evaluate_picker
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import Annotator, NetworkDetector, OnsetCandidates, ProgressCallback
from selfseis.pick.model import STORAGE, PickerModel, fingerprint_of
from selfseis.pick.moveout_support import is_long_fibre, supported
from selfseis.pick.noise_windows import noise_bank, sampled_windows
from selfseis.pick.options import PickerOptions, PriorOptions
from selfseis.pick.self_training import ProgressCallback as TrainingProgress
from selfseis.pick.self_training import Round, SelfTraining
from selfseis.pick.synthetic_examples import ExampleMaker
from selfseis.pick.time_split import split_times, test_times, window_of
from selfseis.recording import as_recording, is_fibre, sample_times, sampling_rate
from selfseis.recording.components import Station, channel_name, held_out_stations, stations_of, training_part
from selfseis.simulate.onsets import REFERENCE_RATE, OnsetBank, OnsetPrior
from selfseis.training import TrainingRecord
from selfseis.typing import Float32Array, FloatArray
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from obspy import Stream
    from torch import nn


ONE_STATION = "A single station has no other station that could confirm its picks"
INJECTION_TEST = "injection_test"  # key of the verdict's details
NOT_EVALUATED = "The picker has not been evaluated yet."


class Picker(StoredEstimator[PickerModel]):
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
    options : PickerOptions
        Settings of all stages, such as numbers of steps; `PickerOptions.rows` lists them with their sources.

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

    model_format = STORAGE

    def __init__(
        self,
        *,
        false_alarms_per_day: float = 1.0,
        s_minus_p: tuple[float, float] | None = None,
        band: tuple[float, float] | None = None,
        rounds: int = 4,
        training_fraction: float = 1.0,
        seed: int = 0,
        options: PickerOptions = PickerOptions(),
    ) -> None:
        self.false_alarms_per_day = false_alarms_per_day
        self.s_minus_p = s_minus_p
        self.band = band
        self.rounds = rounds
        self.training_fraction = training_fraction
        self.seed = seed
        self.options = options

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
        return self.model_.thresholds(self.false_alarms_per_day, self.options)

    @property
    def threshold_is_extrapolated_(self) -> bool:
        """Whether the recording was too short to count so low a rate."""
        return self.false_picks_.is_extrapolated(self.false_alarms_per_day, self.options.calibration)

    @property
    def paired_s_minus_p(self) -> tuple[float, float]:
        """Minimum and maximum S - P in s of an S and a P that may form a pair."""
        return _paired_s_minus_p(self._prior(self.rate_), self.options.examples.prior)

    def fit(
        self,
        recording: Any,
        *,
        checkpoint: Path | None = None,
        progress: TrainingProgress | None = None,
    ) -> Self:
        """Train on a recording and evaluate the result at its test times.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
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
        self._check_parameters()
        recording = training_part(as_recording(recording), self.options.split.max_fibre_channels)
        training = self._training(recording, checkpoint)
        net, rounds = training.run(self.rounds, progress)
        annotator = training.detector(net).annotator
        injections = run_injection_test(
            annotator, training.maker, training.high_pass.rate, self.seed, self.options.calibration
        )
        model = self._calibrated(training, annotator, rounds, injections)
        verdict = self._evaluate(model, recording, {INJECTION_TEST: injections.counts})
        self.model_ = replace(model, verdict=verdict)
        return self

    def _check_parameters(self) -> None:
        if not 0 < self.training_fraction < np.inf:
            raise InputError(
                f"training_fraction must be a number above 0, such as 1 or 0.1, got {self.training_fraction:g}"
            )
        if not 0 < self.false_alarms_per_day < np.inf:
            raise InputError(
                f"false_alarms_per_day must be a number above 0, got {self.false_alarms_per_day:g}"
            )

    def _training(self, recording: xr.DataArray, checkpoint: Path | None) -> SelfTraining:
        """Return the self-training on a recording, ready to run."""
        options = self.options
        rate, window = sampling_rate(recording), window_of(recording, options.split)
        stations = stations_of(recording)
        high_pass = CausalHighPass.measure(recording, self.band, options.filter)
        time_split = split_times(recording, window, options.split)
        held_out = held_out_stations(stations, options.split.held_out_station_every)
        training_stations = [station for number, station in enumerate(stations) if number not in held_out]
        spans = time_split.training
        noise = noise_bank(recording, training_stations, high_pass, window, self.seed, spans, options.noise)
        prior = self._prior(rate)
        return SelfTraining(
            recording,
            stations,
            high_pass,
            ExampleMaker(noise, prior, self._wavelets(high_pass, window), options.examples),
            s_minus_p=_paired_s_minus_p(prior, options.examples.prior),
            s_minus_p_is_known=self.s_minus_p is not None,
            moveout=moveout_of(recording, stations, options),
            time_split=time_split,
            seed=self.seed,
            options=options,
            held_out=held_out,
            checkpoint=checkpoint and checkpoint / fingerprint_of(self.get_params(), noise),
            training_fraction=self.training_fraction,
        )

    def _calibrated(
        self, training: SelfTraining, annotator: Annotator, rounds: list[Round], injections: InjectionTest
    ) -> PickerModel:
        """Return the model of a trained network, not yet evaluated."""
        options, recording, high_pass = self.options.calibration, training.recording, training.high_pass
        window, rate = annotator.n_samples, high_pass.rate
        windows = sampled_windows(
            recording,
            training.stations,
            high_pass,
            window,
            options.n_reversed_windows,
            self.seed,
            self.options.noise,
        )
        measured = injections.measured
        time_split = training.time_split
        return PickerModel(
            net=annotator.net,
            rate=rate,
            window=window,
            calibration=Calibration.measure(
                measured, sd_s=self.options.examples.label_sd / rate, options=options
            ),
            # As in the stored model: a loaded picker has the same threshold to the last digit.
            false_picks=false_picks(annotator, windows, rate).stored(options.max_kept),
            rounds=rounds,
            reliability={
                phase: held_out_reliability(known, options=options) for phase, known in measured.items()
            },
            training_record=TrainingRecord.of(
                recording,
                sorted(time_split.training + time_split.validation),
                range(recording.sizes["channel"]),
            ),
            training_sites=sorted({training.stations[n].site for n in training.training_stations}),
            verdict=Verdict.undecided("pick", NOT_EVALUATED),
        )

    def pick(
        self,
        recording: Any,
        *,
        false_alarms_per_day: float | None = None,
        min_probability: float | None = None,
        progress: ProgressCallback | None = None,
    ) -> list[Pick]:
        """Pick a recording.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
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
        recording = as_recording(recording)
        self._check_fits(recording)
        stations = stations_of(recording)
        per_day = false_alarms_per_day or self.false_alarms_per_day
        annotator = self._annotator(CausalHighPass.measure(recording, self.band, self.options.filter))
        candidates = NetworkDetector(annotator).find(recording, stations, progress)
        picks = []
        by_phase = [onsets.p for onsets in candidates], [onsets.s for onsets in candidates]
        for phase, of_phase in zip(PHASES, by_phase, strict=True):
            if is_long_fibre(recording, self.options.moveout):
                accepted = supported(of_phase, recording, per_day, min_probability, self.seed, self.options)
            else:
                accepted = [self._accepted(phase, onsets, per_day, min_probability) for onsets in of_phase]
            for station, onsets in zip(stations, accepted, strict=True):
                picks += self._picks(recording, station, phase, onsets)
        return in_time(picks)

    def annotate(self, recording: Any) -> Stream:
        """Return probabilities as an ObsPy stream in memory, as SeisBench's ``annotate`` does.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording.

        Returns
        -------
        obspy.Stream
            Channels ``Picker_P`` and ``Picker_S`` of each station.
        """
        from selfseis.pick.inference import probability_stream

        recording = as_recording(recording)
        self._check_fits(recording)
        stations = stations_of(recording)
        annotator = self._annotator(CausalHighPass.measure(recording, self.band, self.options.filter))
        spans = [(span.first, span.core) for span in annotator.along(recording, stations)]
        return probability_stream(recording, stations, spans)

    def probabilities(self, components: NDArray) -> Float32Array:
        """Return probabilities of P and S, shape (2, n_samples), of raw east, north and vertical (3, n_samples)."""
        data = np.asarray(components, np.float32)
        offset = np.nan_to_num(np.nanmedian(data, axis=1)).astype(np.float32)
        high_pass = CausalHighPass(self.rate_, offset, self.band, self.options.filter)
        return self._annotator(high_pass).probabilities(high_pass(data)[0])

    def evaluate(self, recording: Any) -> Verdict:
        """Evaluate the picker at all times of a recording that were used neither for training nor for validation.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
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
        recording = as_recording(recording)
        self._check_fits(recording)
        injections = self.verdict_.details[INJECTION_TEST]
        return self._evaluate(self.model_, recording, {INJECTION_TEST: injections})

    def _prior(self, rate: float) -> OnsetPrior:
        if self.s_minus_p is not None and not 0 < self.s_minus_p[0] < self.s_minus_p[1]:
            raise InputError(
                f"s_minus_p must be two rising numbers above 0 (S - P in s), got {self.s_minus_p}"
            )
        options, scale = self.options.examples.prior, REFERENCE_RATE / rate
        shortest, longest = options.s_minus_p
        return OnsetPrior(rate, self.s_minus_p or (shortest * scale, longest * scale), options.snr)

    def _wavelets(self, high_pass: CausalHighPass, window: int) -> OnsetBank:
        options, rng = self.options.examples.prior, np.random.default_rng(self.seed)
        corner = high_pass.low / high_pass.rate
        return OnsetBank.draw(rng, options.n_wavelets, min(options.max_wavelet, window), high_pass=corner)

    def _annotator(self, high_pass: CausalHighPass) -> Annotator:
        return Annotator(self.net_, high_pass, self.window_, self.options.inference)

    def _accepted(
        self, phase: Phase, onsets: FloatArray, per_day: float, min_probability: float | None
    ) -> FloatArray:
        """Return position and probability of the onsets above the threshold."""
        threshold = self.model_.thresholds(per_day, self.options)[phase]
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
        options = self.options
        trained_on = model.training_record.times_in(recording)
        recording = training_part(recording, options.split.max_fibre_channels)
        stations = stations_of(recording)
        spans, share = test_times(recording, model.window, trained_on, options.split)
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
        candidates = self._candidates(model, recording, stations)
        s_minus_p = _paired_s_minus_p(self._prior(model.rate), options.examples.prior)
        moveout = moveout_of(recording, stations, options)
        return evaluate_picker(candidates, model.rate, s_minus_p, moveout, spans, details, held_out, options)

    def _candidates(
        self, model: PickerModel, recording: xr.DataArray, stations: list[Station]
    ) -> dict[str, list[OnsetCandidates]]:
        """Return the onset candidates of the picker and of its baselines."""
        options = self.options
        high_pass = CausalHighPass.measure(recording, self.band, options.filter)
        n_windows = options.evaluation.n_untrained_windows
        windows = sampled_windows(
            recording, stations, high_pass, model.window, n_windows, self.seed, options.noise
        )
        net = untrained_net(windows, self.seed, options.training.batch_size)
        untrained = Annotator(net, high_pass, model.window, options.inference)
        trained = Annotator(model.net, high_pass, model.window, options.inference)
        min_height = options.self_training.labels.min_support_height
        picked = NetworkDetector(trained).find(recording, stations)
        return {
            "the picker": [onsets.above(min_height) for onsets in picked],
            "STA/LTA with AIC": AicDetector(high_pass, options.trigger).find(recording, stations),
            "untrained network": NetworkDetector(untrained, 0.0).find(recording, stations),
        }

    def _check_fits(self, recording: xr.DataArray) -> None:
        rate = sampling_rate(recording)
        if not np.isclose(rate, self.rate_, rtol=1e-3):
            raise InputError(
                f"the picker was trained at {self.rate_:g} Hz, the recording has {rate:g} Hz: resample the recording, "
                "or train a picker at its rate"
            )


def _paired_s_minus_p(prior: OnsetPrior, options: PriorOptions) -> tuple[float, float]:
    shortest, longest = prior.s_minus_p
    return shortest, options.pair_limit * longest


def moveout_of(
    recording: xr.DataArray, stations: list[Station], options: PickerOptions = PickerOptions()
) -> Moveout:
    """Return the moveout limits of one event across stations, from station positions where they are known."""
    rate, consensus = sampling_rate(recording), options.consensus
    if is_fibre(recording):
        along = np.asarray(recording["distance"].values, float)[[station.row_of("P") for station in stations]]
        apart_km = np.abs(np.subtract.outer(along, along)) / 1000
        return Moveout.from_distances(apart_km, rate, options.moveout.min_velocity / 1000, consensus)
    sites = [station.site for station in stations]
    if not {"latitude", "longitude"} <= set(recording.coords):
        return Moveout.without_coordinates(len(stations), rate, consensus).separate_sites(sites)
    rows = [station.row_of("P") for station in stations]
    latitude, longitude = (
        np.asarray(recording[name].values, float)[rows] for name in ("latitude", "longitude")
    )
    return Moveout.from_coordinates(latitude, longitude, rate, consensus).separate_sites(sites)
