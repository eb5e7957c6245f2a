"""The denoiser: learn on unlabelled recordings, judge on their hidden channels, clean other recordings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.denoise import hidden_skill, storage
from selfseis.denoise.common_mode import common_share, without_common_mode
from selfseis.denoise.line_ridge import LineRidge
from selfseis.denoise.posterior import Posterior
from selfseis.denoise.station_ridge import StationRidge, other_stations
from selfseis.denoise.study import Span, is_line, line_blind_zone, study_spans
from selfseis.denoise.tiled import channel_names, coordinates_of, read_computed
from selfseis.estimator import Estimator
from selfseis.heldout import Verdict, judge
from selfseis.recording.conditioning import Conditioner
from selfseis.recording.errors import UnusableInput
from selfseis.recording.model import lazy_recording, sampling_rate, start_time, station_codes

if TYPE_CHECKING:
    from selfseis.learn import FitProgress
    from selfseis.nets import BlindSlantNet

Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]


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
    most_steps : int
        Largest number of training steps of the network.
    most_seconds : float, optional
        Largest training time; the result then depends on the machine.
    seed : int
        Seed of what is hidden and of the training.

    Attributes
    ----------
    conditioner_ : Conditioner
        Band-pass and noise level of each channel.
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
    verdict_ : Verdict
        What hidden channels at hidden times say.
    """

    def __init__(
        self,
        method: Literal["ridge", "network"] = "ridge",
        *,
        band: tuple[float, float] | None = None,
        blind_zone: int | None = None,
        reach: int = 10,
        max_lag: int = 10,
        fusion: bool = True,
        most_steps: int = 1200,
        most_seconds: float | None = None,
        seed: int = 0,
    ) -> None:
        self.method = method
        self.band = band
        self.blind_zone = blind_zone
        self.reach = reach
        self.max_lag = max_lag
        self.fusion = fusion
        self.most_steps = most_steps
        self.most_seconds = most_seconds
        self.seed = seed

    def fit(
        self,
        recording: xr.DataArray,
        *,
        checkpoint: Path | None = None,
        report: Callable[[FitProgress], None] | None = None,
    ) -> Self:
        """Learn from a recording and judge the result on its hidden part.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, dims (channel, time).
        checkpoint : Path, optional
            A folder in which an interrupted training is kept and from which it goes on.
        report : callable, optional
            Called with the progress of the training.

        Returns
        -------
        Denoiser

        Raises
        ------
        UnusableInput
            If there is no usable sample, or too short a record, or no line of channels for the network.
        """
        self._check_method(recording)
        self.conditioner_ = Conditioner.measure(recording, self.band)
        spans = study_spans(recording, self.conditioner_, self.seed)
        if not spans:
            raise UnusableInput(
                "nothing to learn from: every channel is empty or dead, or the record is too short"
            )
        self.channels_ = channel_names(recording)
        self.net_: BlindSlantNet | None = None
        self.progress_: FitProgress | None = None
        self.common_share_ = 0.0
        self.posterior_: Posterior | None = None
        if is_line(recording):
            self._fit_line(spans, recording)
        else:
            self._fit_stations(spans, recording)
        if self.method == "network":
            self._fit_network(spans, checkpoint, report)
        live = self._live(self.conditioner_)
        self.verdict_ = self._judge(spans, live)
        if self.fusion:
            self.posterior_ = Posterior.measure([(s.data, self._predict(s.data, live)) for s in spans])
        return self

    def transform(self, recording: xr.DataArray) -> xr.DataArray:
        """Denoise a recording: band-passed, each channel replaced by what the others say of it.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, with the sampling rate of the one learnt from.

        Returns
        -------
        xarray.DataArray
            A recording of the same shape, coordinates and units, computed tile by tile when it is read. Where
            there were no data there are none.

        Raises
        ------
        UnusableInput
            If the model does not fit the recording.
        """
        return self._computed(recording, self._estimate)

    def uncertainty(self, recording: xr.DataArray) -> xr.DataArray:
        """Return the standard deviation of each sample of `transform`, as the learnt weights expect it.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording, with the sampling rate of the one learnt from.

        Returns
        -------
        xarray.DataArray
            In the units of the recording, computed tile by tile when it is read.

        Raises
        ------
        UnusableInput
            If the model does not fit the recording.
        ValueError
            If the denoiser was learnt without fusion.
        """
        if self.posterior_ is None:
            raise ValueError("a denoiser without fusion states no uncertainty: learn with fusion=True")
        return self._computed(recording, self._deviation)

    def fit_transform(self, recording: xr.DataArray) -> xr.DataArray:
        """Learn from a recording and denoise it."""
        return self.fit(recording).transform(recording)

    def verdict(self, recording: xr.DataArray) -> Verdict:
        """Judge the model on another recording, all of which is hidden from it.

        Parameters
        ----------
        recording : xarray.DataArray
            The recording.

        Returns
        -------
        Verdict
        """
        conditioner = self._conditioner_for(recording)
        live = self._live(conditioner)
        spans = [
            Span(self._prepared(s.data, live), s.learn, s.choose, s.learn | s.choose | s.judge)
            for s in study_spans(recording, conditioner, self.seed)
        ]
        if not spans:
            return Verdict.undecided(
                "denoise", "The recording holds no usable data, or is too short to judge."
            )
        return self._judge(spans, live)

    @property
    def halo(self) -> int:
        """Samples of conditioned context on each side that a prediction depends on."""
        of_the_net = self.net_.halo if self.net_ is not None else 0
        of_the_posterior = self.posterior_.halo if self.posterior_ is not None else 0
        return self.ridge_.halo + of_the_net + of_the_posterior

    def save(self, folder: str | Path) -> None:
        """Save the model as JSON and safetensors, all or nothing."""
        storage.save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Load a saved model. Nothing in the folder is executed.

        Raises
        ------
        UnusableInput
            If the folder holds no denoiser, or a damaged one.
        """
        return storage.load(cls, Path(folder))

    def _check_method(self, recording: xr.DataArray) -> None:
        if self.method not in ("ridge", "network"):
            raise ValueError(f"method must be 'ridge' or 'network', got {self.method!r}")
        if self.method == "network" and not is_line(recording):
            raise UnusableInput(
                "the network needs at least 8 channels on a line: use method 'ridge' for stations"
            )

    def _fit_line(self, spans: list[Span], recording: xr.DataArray) -> None:
        measured, self.noise_correlation_ = line_blind_zone(recording, spans)
        self.blind_zone_ = measured if self.blind_zone is None else self.blind_zone
        live = self._live(self.conditioner_)
        self.common_share_ = common_share(self.noise_correlation_, int(live.sum()))
        spans[:] = [replace(s, data=self._prepared(s.data, live)) for s in spans]
        parts = [(s.data, s.learn, s.choose) for s in spans]
        self.ridge_: LineRidge | StationRidge = LineRidge.fit(
            parts, self.blind_zone_, reach=self.reach, max_lag=self.max_lag
        )

    def _fit_stations(self, spans: list[Span], recording: xr.DataArray) -> None:
        self.blind_zone_, self.noise_correlation_ = 0, np.ones(1)
        predictors = other_stations(station_codes(recording), self._live(self.conditioner_))
        parts = [(s.data, s.learn, s.choose) for s in spans]
        self.ridge_ = StationRidge.fit(parts, predictors, max_lag=self.max_lag)

    def _fit_network(
        self, spans: list[Span], checkpoint: Path | None, report: Callable[[FitProgress], None] | None
    ) -> None:
        from selfseis.denoise.training import train_network

        assert isinstance(self.ridge_, LineRidge)
        self.net_, self.progress_ = train_network(
            spans,
            self.ridge_,
            self._live(self.conditioner_),
            most_steps=self.most_steps,
            most_seconds=self.most_seconds,
            seed=self.seed,
            # Of its own for what is learnt from and how: nothing else may go on from it.
            checkpoint=checkpoint and checkpoint / storage.fingerprint(self),
            report=report,
        )

    def _prepared(self, data: Samples, live: Mask) -> Samples:
        return without_common_mode(data, live) if self.common_share_ > 0 else data

    def _predict(self, data: Samples, live: Mask) -> Samples:
        reference = self.ridge_.predict(data, live)
        return reference if self.net_ is None else _apply_net(self.net_, data, live, reference)

    def _estimate(self, data: Samples, live: Mask, posterior: Posterior | None) -> Samples:
        data = self._prepared(data, live)
        prediction = self._predict(data, live)
        return prediction if posterior is None else posterior(data, prediction, live)

    def _deviation(self, data: Samples, live: Mask, posterior: Posterior | None) -> Samples:
        assert posterior is not None
        return posterior.standard_deviation(self._predict(self._prepared(data, live), live))

    def _computed(
        self, recording: xr.DataArray, compute: Callable[[Samples, Mask, Posterior | None], Samples]
    ) -> xr.DataArray:
        conditioner, posterior = self._conditioner_for(recording), self.posterior_
        if posterior is not None and conditioner is not self.conditioner_:
            posterior = posterior.for_other_channels(recording.sizes["channel"])
        read = partial(
            read_computed,
            recording=recording,
            conditioner=conditioner,
            compute=lambda data, live: compute(data, live, posterior),
            halo=self.halo,
        )
        return lazy_recording(
            read,
            recording.sizes["channel"],
            recording.sizes["time"],
            sampling_rate(recording),
            start_time(recording),
            **coordinates_of(recording),
        )

    def _judge(self, spans: list[Span], live: Mask) -> Verdict:
        if np.sum(live) < 2:
            return Verdict.undecided("denoise", "One live channel alone cannot be predicted from others.")
        predict = partial(self._predict, live=live)
        name, baseline = self._baseline(spans, live)
        return judge(
            "denoise",
            hidden_skill.hidden_scores(spans, predict),
            hidden_skill.hidden_scores(spans, baseline),
            hidden_skill.null_scores(spans, predict, self.seed),
            baseline_name=name,
            null_name="channels shifted in time independently",
            measure="variance explained on hidden channels at hidden times",
            seed=self.seed,
            details={
                "blind_zone_channels": self.blind_zone_,
                "ridge_strength": self.ridge_.strength,
                "common_mode_share": self.common_share_,
            },
        )

    def _baseline(self, spans: list[Span], live: Mask) -> tuple[str, hidden_skill.Predict]:
        if self.net_ is not None:
            return "closed-form ridge filter", partial(self.ridge_.predict, live=live)
        if isinstance(self.ridge_, LineRidge):
            return "mean of the nearest visible channels", hidden_skill.neighbour_mean(
                self.ridge_.offsets, spans
            )
        return "mean of the other stations", hidden_skill.station_mean(self.ridge_.weights, spans)

    def _conditioner_for(self, recording: xr.DataArray) -> Conditioner:
        """Take each channel's level from the model where the channels are the same, else measure it anew."""
        rate = sampling_rate(recording)
        if not np.isclose(rate, self.conditioner_.rate, rtol=1e-3):
            raise UnusableInput(
                f"the model was learnt at {self.conditioner_.rate:g} Hz and cannot be used at {rate:g} Hz: learn anew"
            )
        if channel_names(recording) == self.channels_:
            return self.conditioner_
        if isinstance(self.ridge_, StationRidge):
            raise UnusableInput("the model was learnt on other stations or channels: learn anew on these")
        return Conditioner.measure(recording, self.conditioner_.band)

    @staticmethod
    def _live(conditioner: Conditioner) -> Mask:
        return np.isfinite(conditioner.scale)


def _apply_net(net: BlindSlantNet, data: Samples, live: Mask, reference: Samples) -> Samples:
    import torch

    from selfseis.learn import one_thread

    net.eval()
    with one_thread(), torch.no_grad():
        tensors = (torch.from_numpy(np.ascontiguousarray(a)) for a in (data, live, reference))
        return net(*tensors).numpy()
