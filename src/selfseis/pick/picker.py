"""The picker: an estimator of P and S onsets that is trained on an unlabelled recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.catalogue.records import PHASES, Phase, Pick, in_time
from selfseis.errors import InputError
from selfseis.models.store import StoredEstimator
from selfseis.pick.adaptation import Adaptation, adapt_network
from selfseis.pick.baseline_candidates import candidates_by_method
from selfseis.pick.calibration import (
    Calibration,
    ReliabilityBin,
    held_out_reliability,
    run_injection_test,
)
from selfseis.pick.evaluate import evaluate_picker
from selfseis.pick.false_discovery import FalseDiscovery, measure_false_discovery
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import Annotator, NetworkDetector, ProgressCallback
from selfseis.pick.labelled_picks import as_labels
from selfseis.pick.model import STORAGE, OperatingPoint, PickerModel, fingerprint_of
from selfseis.pick.moveout_support import is_long_fibre, moveout_of, supported
from selfseis.pick.noise_windows import covering_pieces, noise_bank
from selfseis.pick.onset_priors import onset_prior, paired_s_minus_p, wavelet_bank
from selfseis.pick.options import PickerOptions
from selfseis.pick.self_training import ProgressCallback as TrainingProgress
from selfseis.pick.self_training import Round, SelfTraining
from selfseis.pick.starting_network import starting_network
from selfseis.pick.synthetic_examples import ExampleMaker
from selfseis.pick.time_split import split_times, test_times, window_of
from selfseis.recording import as_recording, sample_times, sampling_rate
from selfseis.recording.components import Station, channel_name, held_out_stations, stations_of, training_part
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
    """Pick P and S onsets with a network that needs no labels.

    `calibrate` gives a first look in about a minute: thresholds and probabilities of the starting network are measured
    on the recording. `fit` trains it further on the recording.

    Three quarters of the time are training data; with four stations or more, so are three quarters of the stations.
    The consensus across stations in the remaining time selects the round of self-training that is kept, and gives
    the verdict.

    Parameters
    ----------
    false_discovery_rate : float
        Accepted share of false picks. It was chosen on the ARCES recordings: at 0.5, 78% of the listed P and 67%
        of the S have a pick within 2 s, at 2.0 P and 2.5 S per recording; every pick states its probability.
    false_alarms_per_day : float, optional
        Accepted false alarms of each phase per station and day, instead of a share; it suits long quiet records.
    s_minus_p : tuple of float, optional
        Minimum and maximum S - P in s. By default 25 to 5400 samples: 0.25 to 54 s at 100 Hz, to 135 s at 40 Hz.
    band : tuple of float, optional
        Pass band in Hz of the causal filter. By default a high-pass above the microseism: from 1 Hz, or from 1% (5%)
        of the sampling rate where that is more (less).
    rounds : int
        Maximum number of rounds of self-training on the consensus across stations.
    training_fraction : float
        Number of training steps as a fraction of the full training, which takes some 5 minutes on one core. A tenth
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
    false_discovery_ : FalseDiscovery
        Heights of picks of the recording and of the reversed recording, from which thresholds follow.
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
        Sites of the training stations. At training times, other sites are evaluated if there are any.
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
        false_discovery_rate: float = 0.5,
        false_alarms_per_day: float | None = None,
        s_minus_p: tuple[float, float] | None = None,
        band: tuple[float, float] | None = None,
        rounds: int = 4,
        training_fraction: float = 1.0,
        seed: int = 0,
        options: PickerOptions = PickerOptions(),
    ) -> None:
        self.false_discovery_rate = false_discovery_rate
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
    def false_discovery_(self) -> FalseDiscovery:
        """Heights of picks of the recording and of the reversed recording."""
        return self.model_.false_discovery

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
    def adaptation_(self) -> Adaptation | None:
        """How the network was adapted, or why not; None if `adapt` was not called."""
        return self.model_.adaptation

    @property
    def threshold_(self) -> dict[Phase, float]:
        """Minimum height of a pick, for P and S."""
        return self.model_.thresholds(self.operating_point)

    @property
    def threshold_is_extrapolated_(self) -> bool:
        """Whether the recording was too short to count so low a rate of false alarms."""
        per_day = self.false_alarms_per_day
        return per_day is not None and self.false_discovery_.is_extrapolated(per_day)

    @property
    def operating_point(self) -> OperatingPoint:
        """What the thresholds are chosen for."""
        return OperatingPoint(self.false_discovery_rate, self.false_alarms_per_day)

    @property
    def paired_s_minus_p(self) -> tuple[float, float]:
        """Minimum and maximum S - P in s of an S and a P that may form a pair."""
        return paired_s_minus_p(self.rate_, self.s_minus_p, self.options.examples.prior)

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
        record, sites = self._trained_on(training)
        self.model_ = self._calibrated(training, net, rounds, record, sites)
        return self

    def adapt(
        self,
        recording: Any,
        parent: Picker | nn.Module | None = None,
        *,
        labels: Path | str | Sequence[Pick] | None = None,
        checkpoint: Path | None = None,
        progress: TrainingProgress | None = None,
    ) -> Self:
        """Adapt a trained network to a recording, or keep it as it is if held-out data do not prefer the change.

        Either way it is calibrated and evaluated; `adaptation_` says what happened.

        Parameters
        ----------
        recording, checkpoint, progress
            As for `fit`.
        parent : Picker or nn.Module, optional
            A picker, or a network of `selfseis.foreign_networks.picker_registry`; by default the starting network.
        labels : path or sequence of Pick, optional
            A table with station, phase and time, or QuakeML. Those of training times are used.

        Raises
        ------
        InputError
            As for `fit`, or if no label lies in the recording.
        """
        self._check_parameters()
        recording = training_part(as_recording(recording), self.options.split.max_fibre_channels)
        training = self._training(recording, checkpoint)
        net = (parent.net_ if isinstance(parent, Picker) else parent) or starting_network()
        net, adaptation = adapt_network(training, net, as_labels(labels), progress)
        record, sites = self._trained_on(training, nothing=not adaptation.is_kept)
        if isinstance(parent, Picker):
            record |= parent.training_record_
        model = self._calibrated(training, net, [], record, sites)
        self.model_ = replace(model, adaptation=adaptation, verdict=adaptation.noted_in(model.verdict))
        return self

    def calibrate(self, recording: Any, *, net: nn.Module | None = None) -> Self:
        """Measure thresholds, probabilities and the verdict on a recording, without training.

        A picker that is not fitted takes the starting network, which was trained on generated noise and simulated
        onsets alone: a first look at a recording takes as long as picking it twice.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording.
        net : nn.Module, optional
            A network to calibrate instead. It maps windows (n, 3, n_samples) to logits (n, 2, n_samples); an attribute
            ``n_samples`` states the length of its windows, if that is fixed.

        Raises
        ------
        InputError
            If no station has data for a window without a gap, or the sampling rate is not that of the training data.
        """
        _ = self.operating_point  # raises an error if it makes no sense
        fitted = getattr(self, "model_", None) if net is None else None
        recording = training_part(as_recording(recording), self.options.split.max_fibre_channels)
        if fitted is not None:
            self._check_fits(recording)
        training = self._training(recording, None)
        if fitted is None:
            unused = self._trained_on(training, nothing=True)
            self.model_ = self._calibrated(training, net or starting_network(), [], *unused)
        else:
            record, sites = fitted.training_record, fitted.training_sites
            model = self._calibrated(training, fitted.net, fitted.rounds, record, sites)
            self.model_ = replace(model, adaptation=fitted.adaptation)
        return self

    def _trained_on(
        self, training: SelfTraining, *, nothing: bool = False
    ) -> tuple[TrainingRecord, list[str]]:
        """Return the record of training and validation times, and the training sites."""
        recording, split = training.recording, training.time_split
        times = [] if nothing else sorted(split.training + split.validation)
        record = TrainingRecord.of(recording, times, range(recording.sizes["channel"]))
        numbers = [] if nothing else training.training_stations
        return record, sorted({training.stations[number].site for number in numbers})

    def _check_parameters(self) -> None:
        if not 0 < self.training_fraction < np.inf:
            raise InputError(
                f"training_fraction must be a number above 0, such as 1 or 0.1, got {self.training_fraction:g}"
            )
        _ = self.operating_point

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
        wavelets = wavelet_bank(high_pass, window, self.seed, options.examples.prior)
        prior = onset_prior(rate, self.s_minus_p, options.examples.prior)
        return SelfTraining(
            recording,
            stations,
            high_pass,
            ExampleMaker(noise, prior, wavelets, options.examples),
            s_minus_p=paired_s_minus_p(rate, self.s_minus_p, options.examples.prior),
            moveout=moveout_of(recording, stations, options),
            time_split=time_split,
            seed=self.seed,
            options=options,
            held_out=held_out,
            checkpoint=checkpoint and checkpoint / fingerprint_of(self.get_params(), noise),
            training_fraction=self.training_fraction,
        )

    def _calibrated(
        self,
        training: SelfTraining,
        net: nn.Module,
        rounds: list[Round],
        training_record: TrainingRecord,
        training_sites: list[str],
    ) -> PickerModel:
        """Return the model of a network, calibrated and evaluated on a recording."""
        options, recording, high_pass = self.options.calibration, training.recording, training.high_pass
        rate = high_pass.rate
        window = int(getattr(net, "n_samples", training.maker.n_samples))
        annotator = Annotator(net, high_pass, window, self.options.inference)
        injections = run_injection_test(annotator, training.maker, rate, self.seed, options)
        pieces = covering_pieces(
            recording,
            training.stations,
            high_pass,
            options.windows_per_piece * training.maker.n_samples,
            max(1, options.n_reversed_windows // options.windows_per_piece),
            self.seed,
        )
        false_discovery = measure_false_discovery(annotator, pieces, rate, options)
        measured, sd_s = injections.measured, self.options.examples.label_sd / rate
        knots = {phase: known.probability_knots() for phase, known in false_discovery.phases.items()}
        model = PickerModel(
            net=net,
            rate=rate,
            window=window,
            calibration=Calibration.measure(measured, knots, sd_s=sd_s, options=options),
            false_discovery=false_discovery,
            rounds=rounds,
            reliability={
                phase: held_out_reliability(known, options=options) for phase, known in measured.items()
            },
            training_record=training_record,
            training_sites=training_sites,
            verdict=Verdict.undecided("pick", NOT_EVALUATED),
        )
        return replace(model, verdict=self._evaluate(model, recording, injections.counts))

    def pick(
        self,
        recording: Any,
        *,
        false_discovery_rate: float | None = None,
        false_alarms_per_day: float | None = None,
        min_probability: float | None = None,
        progress: ProgressCallback | None = None,
    ) -> list[Pick]:
        """Pick a recording.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording, at the sampling rate of the training data; its stations may differ.
        false_discovery_rate : float, optional
            Accepted share of false picks; by default that of the picker.
        false_alarms_per_day : float, optional
            Accepted false alarms of each phase per station and day, instead of a share.
        min_probability : float, optional
            Minimum probability of a pick, instead of a share or a rate.
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
        operating_point = self._operating_point(false_discovery_rate, false_alarms_per_day)
        annotator = self._annotator(CausalHighPass.measure(recording, self.band, self.options.filter))
        candidates = NetworkDetector(annotator).find(recording, stations, progress)
        picks = []
        by_phase = [onsets.p for onsets in candidates], [onsets.s for onsets in candidates]
        for phase, of_phase in zip(PHASES, by_phase, strict=True):
            if is_long_fibre(recording, self.options.moveout):
                per_day = operating_point.false_alarms_per_day or self.options.moveout.false_alarms_per_day
                accepted = supported(of_phase, recording, per_day, min_probability, self.seed, self.options)
            else:
                accepted = [
                    self._accepted(phase, onsets, operating_point, min_probability) for onsets in of_phase
                ]
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
        is_own = bool(self.training_record_.times_in(recording))
        return self._evaluate(
            self.model_, recording, self.verdict_.details[INJECTION_TEST] if is_own else None
        )

    def _operating_point(
        self, false_discovery_rate: float | None, false_alarms_per_day: float | None
    ) -> OperatingPoint:
        """Return the operating point that is asked for: that of the picker where nothing is."""
        if false_discovery_rate is None and false_alarms_per_day is None:
            return self.operating_point
        share = self.false_discovery_rate if false_discovery_rate is None else false_discovery_rate
        return OperatingPoint(share, false_alarms_per_day)

    def _annotator(self, high_pass: CausalHighPass) -> Annotator:
        return Annotator(self.net_, high_pass, self.window_, self.options.inference)

    def _accepted(
        self,
        phase: Phase,
        onsets: FloatArray,
        operating_point: OperatingPoint,
        min_probability: float | None,
    ) -> FloatArray:
        """Return position and probability of the onsets above the threshold."""
        if min_probability is None:
            threshold = self.model_.thresholds(operating_point)[phase]
        else:
            threshold = self.calibration_.height_of(phase, min_probability)
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
        self, model: PickerModel, recording: xr.DataArray, injections: dict[Phase, Any] | None
    ) -> Verdict:
        """Evaluate at times without training data; the injection test is that of the recording itself."""
        options = self.options
        trained_on = model.training_record.times_in(recording)
        recording = training_part(recording, options.split.max_fibre_channels)
        stations = stations_of(recording)
        spans, share = test_times(recording, model.window, trained_on, options.split)
        details: dict[str, Any] = {"training_share": share}
        if injections is not None:
            details[INJECTION_TEST] = injections
        if len({station.site for station in stations}) < 2:
            pointer = "." if injections is None else f"; see {INJECTION_TEST} in the details."
            return Verdict.undecided("pick", ONE_STATION + pointer, details=details)
        if not spans:
            return Verdict.all_training_data("pick", details)
        held_out = [
            number
            for number, station in enumerate(stations)
            if trained_on and station.site not in model.training_sites
        ]
        candidates = candidates_by_method(model, recording, stations, self.band, self.seed, options)
        s_minus_p = paired_s_minus_p(model.rate, self.s_minus_p, options.examples.prior)
        moveout = moveout_of(recording, stations, options)
        return evaluate_picker(candidates, model.rate, s_minus_p, moveout, spans, details, held_out, options)

    def _check_fits(self, recording: xr.DataArray) -> None:
        rate = sampling_rate(recording)
        if not np.isclose(rate, self.rate_, rtol=1e-3):
            raise InputError(
                f"the picker was trained at {self.rate_:g} Hz, the recording has {rate:g} Hz: resample the recording, "
                "or train a picker at its rate"
            )
