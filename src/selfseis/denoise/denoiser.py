"""The denoiser: fit on unlabelled recordings, evaluation on hidden channels, denoising of other recordings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import xarray as xr

from selfseis.denoise.channel_levels import ChannelNoiseLevels
from selfseis.denoise.evaluate import evaluate_recording
from selfseis.denoise.fit import fit_denoiser
from selfseis.denoise.model import STORAGE, DenoiserModel, DenoiserParameters
from selfseis.denoise.options import DenoiserOptions
from selfseis.models.store import StoredEstimator
from selfseis.recording import as_recording
from selfseis.recording.dataarray import lazy_recording, sampling_rate, start_time
from selfseis.recording.lazy_transform import coordinates_of, read_computed
from selfseis.typing import Float32Array, FloatArray
from selfseis.validation import Verdict

if TYPE_CHECKING:
    from selfseis.denoise.line_filter import LineRidge
    from selfseis.denoise.station_filter import StationRidge
    from selfseis.denoise.wiener import WienerWeights
    from selfseis.networks.blind_slant_net import BlindSlantNet
    from selfseis.recording.preprocessing import Conditioner
    from selfseis.training import FitProgress, TrainingRecord


class Denoiser(StoredEstimator[DenoiserModel]):
    """Denoise by blind prediction, combined with each channel's own observation by Wiener weights.

    Parameters
    ----------
    method : {"ridge", "network"}
        The closed-form filter, or a small network that starts from the filter and is trained on the recording. The
        network needs channels on a line.
    band : tuple of float, optional
        Pass band in Hz; by default 2% to 80% of the Nyquist frequency.
    blind_zone : int, optional
        Half-width in channels of the zone that the prediction does not use; by default the measured range of noise
        correlation.
    reach : int
        Number of channels beyond the zone, on each side, that the prediction uses.
    max_lag : int
        Samples of context of the filter, before and after.
    fusion : bool
        Whether to combine the prediction with the channel's own observation; otherwise the blind prediction alone is
        returned.
    max_steps : int
        Maximum number of training steps of the network.
    max_seconds : float, optional
        Maximum training time; the result then depends on the machine.
    seed : int
        Seed of the split into training, validation and test times, and of the training.
    options : DenoiserOptions
        Further settings. A fitted denoiser goes on using those of its fit.

    Attributes
    ----------
    model_ : DenoiserModel
        The fitted state. The other attributes are read-only views of its fields.
    conditioner_ : Conditioner
        Band-pass and noise level of each channel.
    channels_ : list of str
        Names of the channels of the training data.
    gain_ : ndarray, shape (n_channels,)
        Prediction gain: signal of each channel relative to its neighbours', both in units of their noise.
    blind_zone_ : int
        Half-width of the blind zone in channels.
    noise_correlation_ : ndarray
        Correlation of noise against channel offset.
    common_share_ : float
        Share of the noise power that all channels record at the same instant; it is subtracted first.
    ridge_ : LineRidge or StationRidge
        The closed-form filter.
    net_ : BlindSlantNet or None
        The network; None also where the filter alone predicted the validation data as well.
    wiener_ : WienerWeights or None
        Weights of prediction and observation; None without fusion.
    progress_ : FitProgress or None
        History of the training of the network.
    training_record_ : TrainingRecord
        Times of the training data, which evaluations leave out.
    verdict_ : Verdict
        Result of the evaluation on hidden channels at held-out times.

    Examples
    --------
    >>> from selfseis import Denoiser
    >>> from selfseis.simulate import simulate_noise_recording
    >>> noise = simulate_noise_recording("white", "fibre", 1 / 60, 50.0, 24, seed=3)
    >>> denoiser = Denoiser().fit(noise)
    >>> denoiser.verdict_.outcome
    'no_gain'
    >>> denoiser.transform(noise).shape
    (24, 3000)
    """

    model_format = STORAGE

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
        options: DenoiserOptions = DenoiserOptions(),
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
        self.options = options

    def fit(
        self,
        recording: xr.DataArray,
        *,
        checkpoint: Path | None = None,
        progress: Callable[[FitProgress], None] | None = None,
    ) -> Self:
        """Fit the denoiser to a recording and evaluate it on the held-out part.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording, in any form that `open_recording` takes.
        checkpoint : Path, optional
            A folder for the state of the training. An interrupted training continues from it.
        progress : callable, optional
            Called with the progress of the training.

        Returns
        -------
        Denoiser

        Raises
        ------
        InputError
            If there are no usable data, the recording is too short, or the network lacks a line of channels.
        """
        parameters = DenoiserParameters(**self.get_params())
        recording = as_recording(recording)
        self.model_ = fit_denoiser(parameters, recording, checkpoint=checkpoint, progress=progress)
        return self

    def fine_tune(
        self,
        recording: xr.DataArray,
        *,
        checkpoint: Path | None = None,
        progress: Callable[[FitProgress], None] | None = None,
    ) -> Self:
        """Continue the training of a fitted denoiser on another recording: seconds instead of a whole training.

        Noise levels, blind zone, gains and Wiener weights are measured again. The validation data select the filter:
        the new one, the old one, or the one of their mean covariance. The network starts from the old weights and
        keeps them where no training step is better. The verdict compares the skill before and after on held-out data
        of the new recording. If the training fails or is interrupted, the old model remains.

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
            As for `fit`, and if the sampling rate or the stations differ.
        """
        recording, start = as_recording(recording), self.model_
        start.check_same_kind(recording)
        band = start.conditioner.band
        options = replace(self.options, network=start.options.network)
        parameters = DenoiserParameters(**(self.get_params() | {"band": band, "options": options}))
        model = fit_denoiser(parameters, recording, start=start, checkpoint=checkpoint, progress=progress)
        self.band, self.model_ = band, model
        return self

    def transform(self, recording: xr.DataArray, *, levels: ChannelNoiseLevels | None = None) -> xr.DataArray:
        """Denoise a recording: return the band-passed estimate of the signal of each channel.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording, at the sampling rate of the training data.
        levels : ChannelNoiseLevels, optional
            Noise levels and dead channels of this recording, as `levels` returns them; by default those of the
            training data.

        Returns
        -------
        xarray.DataArray
            A recording of the same shape, coordinates and units, computed tile by tile when it is read. Gaps stay
            gaps. A dead channel is predicted from its neighbours, in units of their level, and is True in the
            coordinate ``predicted``. A dead channel without live neighbours is NaN.

        Raises
        ------
        InputError
            If the model cannot be used on the recording.
        """
        recording = as_recording(recording)
        estimate = partial(
            self.model_.estimate,
            reference_gain=self.model_.reference_gain_for(recording),
            wiener=self.model_.wiener_for(recording),
        )
        return self._computed(recording, estimate, levels)

    def uncertainty(
        self, recording: xr.DataArray, *, levels: ChannelNoiseLevels | None = None
    ) -> xr.DataArray:
        """Return the standard deviation of each sample of `transform`, as the Wiener weights imply it.

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
            If the model cannot be used on the recording.
        ValueError
            If the denoiser was fitted without fusion.
        """
        recording = as_recording(recording)
        wiener = self.model_.wiener_for(recording)
        if wiener is None:
            raise ValueError("a denoiser without fusion gives no uncertainty: fit it with fusion=True")
        return self._computed(recording, partial(self.model_.deviation, wiener=wiener), levels)

    def levels(self, recording: xr.DataArray) -> ChannelNoiseLevels:
        """Measure which channels are dead and which have a noise level far from that of the training data.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording; up to twelve spans of it are read.

        Returns
        -------
        ChannelNoiseLevels
            For `transform` and `uncertainty`.

        Raises
        ------
        InputError
            If the model cannot be used on the recording.
        """
        return self.model_.levels(as_recording(recording))

    def fit_transform(self, recording: xr.DataArray) -> xr.DataArray:
        """Fit the denoiser to a recording and denoise it."""
        recording = as_recording(recording)
        return self.fit(recording).transform(recording)

    def evaluate(self, recording: xr.DataArray) -> Verdict:
        """Evaluate the model on data outside its training data.

        That is all of another recording, or the held-out part of its own.

        Parameters
        ----------
        recording : xarray.DataArray, path, Stream or Patch
            The recording.

        Returns
        -------
        Verdict
            Its details give the fraction of training data, which was left out, as ``training_share``.
        """
        return evaluate_recording(
            self.model_, as_recording(recording), seed=self.seed, zone_is_measured=self.blind_zone is None
        )

    def _computed(
        self, recording: xr.DataArray, compute: Callable[..., Float32Array], levels: ChannelNoiseLevels | None
    ) -> xr.DataArray:
        levels = levels or self.model_.levels_as_trained(recording)
        read = partial(
            read_computed,
            recording=recording,
            conditioner=levels,
            compute=partial(compute, gain=levels.gain),
            halo=self.halo,
            tile=self.model_.tile_samples(recording.sizes["channel"]),
        )
        return lazy_recording(
            read,
            recording.sizes["channel"],
            recording.sizes["time"],
            sampling_rate(recording),
            start_time(recording),
            **coordinates_of(recording),
        ).assign_coords(predicted=("channel", levels.predicted))

    @property
    def halo(self) -> int:
        """Samples of conditioned context on each side that a prediction depends on."""
        return self.model_.halo

    @property
    def conditioner_(self) -> Conditioner:
        """Band-pass and noise level of each channel."""
        return self.model_.conditioner

    @property
    def channels_(self) -> list[str]:
        """Names of the channels of the training data."""
        return self.model_.channels

    @property
    def gain_(self) -> Float32Array:
        """Prediction gain of each channel."""
        return self.model_.gain

    @property
    def blind_zone_(self) -> int:
        """Half-width of the blind zone in channels."""
        return self.model_.blind_zone

    @property
    def noise_correlation_(self) -> FloatArray:
        """Correlation of noise against channel offset."""
        return self.model_.noise_correlation

    @property
    def common_share_(self) -> float:
        """Share of the noise power that all channels record at the same instant."""
        return self.model_.common_share

    @property
    def ridge_(self) -> LineRidge | StationRidge:
        """The closed-form filter."""
        return self.model_.ridge

    @property
    def net_(self) -> BlindSlantNet | None:
        """The network, if there is one."""
        return self.model_.net

    @property
    def wiener_(self) -> WienerWeights | None:
        """Weights of prediction and observation, if there are any."""
        return self.model_.wiener

    @property
    def progress_(self) -> FitProgress | None:
        """History of the training of the network."""
        return self.model_.progress

    @property
    def training_record_(self) -> TrainingRecord:
        """Times of the training data."""
        return self.model_.training_record

    @property
    def verdict_(self) -> Verdict:
        """Result of the evaluation on hidden channels at held-out times."""
        return self.model_.verdict
