"""The denoiser: learn on unlabelled recordings, judge on their hidden channels, clean other recordings."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import xarray as xr

from selfseis.base import Estimator
from selfseis.denoise import evaluate as hidden_skill
from selfseis.denoise import model as storage
from selfseis.denoise.burst_mask import BLOCK, without_bursts
from selfseis.denoise.channel_levels import ChannelNoiseLevels, measured_levels
from selfseis.denoise.common_mode import without_common_mode
from selfseis.denoise.fit import fit_denoiser
from selfseis.denoise.line_filter import LineRidge
from selfseis.denoise.prediction import (
    best_estimate,
    blind_prediction,
    estimate_halo,
    live_channels,
    reference_gain_for,
    wiener_for,
)
from selfseis.denoise.station_filter import StationRidge
from selfseis.denoise.training_data import training_spans
from selfseis.denoise.wiener import WienerWeights
from selfseis.errors import InputError
from selfseis.recording.dataarray import channel_names, lazy_recording, sampling_rate, start_time
from selfseis.recording.lazy_transform import coordinates_of, read_computed
from selfseis.recording.preprocessing import Conditioner
from selfseis.training import TrainingRecord
from selfseis.typing import BoolArray, Float32Array, FloatArray
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from selfseis.networks import BlindSlantNet
    from selfseis.training import FitProgress


class Denoiser(Estimator):
    """Denoise by blind prediction, with a channel's own observation brought back as far as it can be trusted.

    Parameters
    ----------
    method : {"ridge", "network"}
        The closed-form filter, or a small network that starts from it and is trained in place. The network needs
        channels on a line.
    band : tuple of float, optional
        Pass band in Hz; by default 2% to 80% of the Nyquist frequency.
    blind_zone : int, optional
        Half-width in channels of the zone that is not looked at; by default as far as the noise is measured to be
        shared.
    reach : int
        Channels beyond the zone, on each side, that are looked at.
    max_lag : int
        Samples of context of the filter, before and after.
    fusion : bool
        Whether a channel's own observation is weighed against what the others say of it; else the blind
        prediction alone is returned.
    max_steps : int
        Largest number of training steps of the network.
    max_seconds : float, optional
        Largest training time; the result then depends on the machine.
    seed : int
        Seed of what is hidden and of the training.

    Attributes
    ----------
    conditioner_ : Conditioner
        Band-pass and noise level of each channel.
    gain_ : ndarray, shape (n_channels,)
        Signal of each channel relative to its neighbours', both in units of their noise.
    blind_zone_ : int
        Half-width in channels that was used.
    noise_correlation_ : ndarray
        Correlation of quiet data against channel offset.
    common_share_ : float
        Share of the quiet power that all channels record at the same instant, which is subtracted first.
    ridge_ : LineRidge or StationRidge
        The closed-form filter.
    net_ : BlindSlantNet or None
        The network; None also where the filter alone predicted hidden data as well.
    posterior_ : Posterior or None
        How prediction and observation are weighed.
    progress_ : FitProgress or None
        How the training went.
    training_record_ : TrainingRecord
        The times that were learnt from, which no verdict is passed on.
    verdict_ : Verdict
        What hidden channels say, at times that were not learnt from.
    """

    conditioner_: Conditioner
    channels_: list[str]
    gain_: Float32Array
    blind_zone_: int
    noise_correlation_: FloatArray
    common_share_: float
    ridge_: LineRidge | StationRidge
    net_: BlindSlantNet | None
    wiener_: WienerWeights | None
    progress_: FitProgress | None
    training_record_: TrainingRecord
    verdict_: Verdict

    def __init__(
        self,
        method: Literal["ridge", "network"] = "ridge",
        *,
        band: tuple[float, float] | None = None,
        blind_zone: int | None = None,
        reach: int = 10,
        max_lag: int = 10,
        fusion: bool = True,
        max_steps: int = 1200,
        max_seconds: float | None = None,
        seed: int = 0,
    ) -> None:
        self.method = method
        self.band = band
        self.blind_zone = blind_zone
        self.reach = reach
        self.max_lag = max_lag
        self.fusion = fusion
        self.max_steps = max_steps
        self.max_seconds = max_seconds
        self.seed = seed

    def fit(
        self,
        recording: xr.DataArray,
        *,
        checkpoint: Path | None = None,
        progress: Callable[[FitProgress], None] | None = None,
    ) -> Self:
        """Learn from a recording and judge the result on its hidden part.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, dims (channel, time).
        checkpoint : Path, optional
            A folder in which an interrupted training is kept and from which it goes on.
        progress : callable, optional
            Called with the progress of the training.

        Returns
        -------
        Denoiser

        Raises
        ------
        InputError
            If there is no usable sample, or too short a record, or no line of channels for the network.
        """
        fit_denoiser(self, recording, checkpoint=checkpoint, progress=progress)
        return self

    def fine_tune(
        self,
        recording: xr.DataArray,
        *,
        checkpoint: Path | None = None,
        progress: Callable[[FitProgress], None] | None = None,
    ) -> Self:
        """Learn on from what was learnt, on another recording: seconds instead of a whole training.

        Levels, blind zone, gains and weights of the own observation are measured anew. The filter is the best on
        hidden samples of the new one, the old one and one of both; the network starts from its weights and keeps
        them where no step is better. The verdict is on what is hidden of the new recording, then and before.

        Parameters
        ----------
        recording, checkpoint, progress
            As for `fit`.

        Returns
        -------
        Denoiser

        Raises
        ------
        InputError
            As for `fit`, and if the sampling rate or the stations are others.
        """
        self._check_same_kind(recording)
        old = copy(self)
        self.band = self.conditioner_.band
        try:
            fit_denoiser(self, recording, start=old, checkpoint=checkpoint, progress=progress)
        except BaseException:
            vars(self).update(vars(old))  # half of one day and half of another is no model
            raise
        return self

    def transform(self, recording: xr.DataArray, *, levels: ChannelNoiseLevels | None = None) -> xr.DataArray:
        """Denoise a recording: band-passed, each channel replaced by what the others say of it.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, with the sampling rate of the one learnt from.
        levels : ChannelNoiseLevels, optional
            How loud each channel is today and which are dead, as `levels` returns it; by default as learnt.

        Returns
        -------
        xarray.DataArray
            A recording of the same shape, coordinates and units, computed tile by tile when it is read. Gaps stay
            gaps. A dead channel is what its neighbours say of it, in units of their level, and True in the
            coordinate ``predicted``; one that nothing is known of is NaN.

        Raises
        ------
        InputError
            If the model does not fit the recording.
        """
        estimate = partial(self._estimate, reference_gain=reference_gain_for(self, recording))
        return self._computed(recording, estimate, levels)

    def uncertainty(
        self, recording: xr.DataArray, *, levels: ChannelNoiseLevels | None = None
    ) -> xr.DataArray:
        """Return the standard deviation of each sample of `transform`, as the learnt weights expect it.

        Parameters
        ----------
        recording, levels
            As for `transform`.

        Returns
        -------
        xarray.DataArray
            In the units of the recording, computed tile by tile when it is read; NaN for dead channels.

        Raises
        ------
        InputError
            If the model does not fit the recording.
        ValueError
            If the denoiser was learnt without fusion.
        """
        if self.wiener_ is None:
            raise ValueError("a denoiser without fusion states no uncertainty: learn with fusion=True")
        return self._computed(recording, self._deviation, levels)

    def levels(self, recording: xr.DataArray) -> ChannelNoiseLevels:
        """Measure which channels of a recording are dead and which have quite another noise than was learnt.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording; up to twelve spans of it are read.

        Returns
        -------
        ChannelNoiseLevels
            For `transform` and `uncertainty`.
        """
        levels = self._levels_as_trained(recording)
        if channel_names(recording) != self.channels_:
            return levels
        today = measured_levels(recording, self.conditioner_.band)
        return ChannelNoiseLevels.of_today(self.conditioner_, self.gain_, today, self.ridge_, recording)

    def fit_transform(self, recording: xr.DataArray) -> xr.DataArray:
        """Learn from a recording and denoise it."""
        return self.fit(recording).transform(recording)

    def evaluate(self, recording: xr.DataArray) -> Verdict:
        """Judge the model on what it has not learnt from: all of another recording, the hidden part of its own.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.

        Returns
        -------
        Verdict
            Its details state under ``training_share`` how much was left out.
        """
        levels = self.levels(recording)
        live = live_channels(levels)
        spans = [
            replace(s, data=self._prepared(s.data, live))
            for s in training_spans(recording, levels.observed, self.seed)
        ]
        if not spans:
            return Verdict.undecided(
                "denoise", "The recording holds no usable data, or is too short to judge."
            )
        return hidden_skill.judged(self, recording, spans, live, levels.gain)

    @property
    def halo(self) -> int:
        """Samples of conditioned context on each side that a prediction depends on."""
        burst_halo = BLOCK if isinstance(self.ridge_, LineRidge) else 0
        return estimate_halo(self.ridge_, self.net_, self.wiener_) + burst_halo

    def save(self, folder: str | Path) -> None:
        """Save the model as JSON and safetensors, all or nothing."""
        storage.save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Load a saved model. Nothing in the folder is executed.

        Raises
        ------
        InputError
            If the folder holds no denoiser, or a damaged one.
        """
        return storage.load(cls, Path(folder))

    def _prepared(self, data: Float32Array, live: BoolArray) -> Float32Array:
        if isinstance(self.ridge_, LineRidge):
            data = without_bursts(data)
        return without_common_mode(data, live) if self.common_share_ > 0 else data

    def _estimate(
        self,
        data: Float32Array,
        live: BoolArray,
        gain: Float32Array,
        wiener: WienerWeights | None,
        reference_gain: float,
    ) -> Float32Array:
        return best_estimate(
            self._prepared(data, live),
            ridge=self.ridge_,
            net=self.net_,
            wiener=wiener,
            live=live,
            gain=gain,
            reference_gain=reference_gain,
        )

    def _deviation(
        self, data: Float32Array, live: BoolArray, gain: Float32Array, wiener: WienerWeights | None
    ) -> Float32Array:
        assert wiener is not None
        data = self._prepared(data, live)
        prediction = blind_prediction(data, ridge=self.ridge_, net=self.net_, live=live, gain=gain)
        deviation = wiener.standard_deviation(data, prediction, live)
        # The weights know what an observation leaves in doubt, not what the lack of one does.
        deviation[~live] = np.nan
        return deviation

    def _computed(
        self, recording: xr.DataArray, compute: Callable[..., Float32Array], levels: ChannelNoiseLevels | None
    ) -> xr.DataArray:
        levels, wiener = levels or self._levels_as_trained(recording), wiener_for(self, recording)
        read = partial(
            read_computed,
            recording=recording,
            conditioner=levels,
            compute=partial(compute, gain=levels.gain, wiener=wiener),
            halo=self.halo,
        )
        return lazy_recording(
            read,
            recording.sizes["channel"],
            recording.sizes["time"],
            sampling_rate(recording),
            start_time(recording),
            **coordinates_of(recording),
        ).assign_coords(predicted=("channel", levels.predicted))

    def _check_same_kind(self, recording: xr.DataArray) -> None:
        rate = sampling_rate(recording)
        if not np.isclose(rate, self.conditioner_.rate, rtol=1e-3):
            raise InputError(
                f"the model was learnt at {self.conditioner_.rate:g} Hz and cannot be used at {rate:g} Hz: learn anew"
            )
        if isinstance(self.ridge_, StationRidge) and channel_names(recording) != self.channels_:
            raise InputError("the model was learnt on other stations or channels: learn anew on these")

    def _levels_as_trained(self, recording: xr.DataArray) -> ChannelNoiseLevels:
        """Take each channel's level from the model where the channels are the same, else measure it anew."""
        self._check_same_kind(recording)
        conditioner, gain = self.conditioner_, self.gain_
        if channel_names(recording) != self.channels_:
            conditioner = measured_levels(recording, conditioner.band)
            gain = np.ones(recording.sizes["channel"], np.float32)
        return ChannelNoiseLevels.as_trained(conditioner, gain, self.ridge_, recording)
