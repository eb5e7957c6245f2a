"""The denoiser: learn on unlabelled recordings, judge on their hidden channels, clean other recordings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from selfseis.denoise import hidden_skill, storage
from selfseis.denoise.line_ridge import LineRidge
from selfseis.denoise.station_ridge import StationRidge, other_stations
from selfseis.denoise.study import Span, is_line, line_blind_zone, study_spans
from selfseis.estimator import Estimator
from selfseis.heldout import Verdict, judge
from selfseis.recording.conditioning import Conditioner
from selfseis.recording.errors import UnusableInput
from selfseis.recording.model import is_fibre, lazy_recording, sampling_rate, start_time, station_codes

if TYPE_CHECKING:
    from selfseis.learn import FitProgress
    from selfseis.nets import BlindLineNet

Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]

TILE_VALUES = 4_000_000  # values of a tile that is denoised at once
ALIGNMENT = 64  # tiles start on multiples of this many samples, as the network's frames do


class Denoiser(Estimator):
    """Denoise by blind prediction: what cannot be predicted from elsewhere is noise.

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
    ridge_ : LineRidge or StationRidge
        The closed-form filter.
    net_ : BlindLineNet or None
        The network.
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
        most_steps: int = 400,
        most_seconds: float | None = None,
        seed: int = 0,
    ) -> None:
        self.method = method
        self.band = band
        self.blind_zone = blind_zone
        self.reach = reach
        self.max_lag = max_lag
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
        self.channels_ = _channel_names(recording)
        self.net_: BlindLineNet | None = None
        self.progress_: FitProgress | None = None
        if is_line(recording):
            self._fit_line(spans, recording)
        else:
            self._fit_stations(spans, recording)
        if self.method == "network":
            self._fit_network(spans, checkpoint, report)
        self.verdict_ = self._judge(spans, self._live(self.conditioner_))
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
        conditioner = self._conditioner_for(recording)
        read = partial(_read_denoised, recording=recording, conditioner=conditioner, predict=self._predict,
                       halo=self.halo)  # fmt: skip
        return lazy_recording(
            read,
            recording.sizes["channel"],
            recording.sizes["time"],
            sampling_rate(recording),
            start_time(recording),
            **_coordinates(recording),
        )

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
        spans = [
            Span(s.data, s.learn, s.choose, s.learn | s.choose | s.judge)
            for s in study_spans(recording, conditioner, self.seed)
        ]
        if not spans:
            return Verdict.undecided(
                "denoise", "The recording holds no usable data, or is too short to judge."
            )
        return self._judge(spans, self._live(conditioner))

    @property
    def halo(self) -> int:
        """Samples of conditioned context on each side that a prediction depends on."""
        return self.ridge_.halo + (self.net_.halo if self.net_ is not None else 0)

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

    def _predict(self, data: Samples, live: Mask) -> Samples:
        reference = self.ridge_.predict(data, live)
        return reference if self.net_ is None else _apply_net(self.net_, data, reference)

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
            details={"blind_zone_channels": self.blind_zone_, "ridge_strength": self.ridge_.strength},
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
        if _channel_names(recording) == self.channels_:
            return self.conditioner_
        if isinstance(self.ridge_, StationRidge):
            raise UnusableInput("the model was learnt on other stations or channels: learn anew on these")
        return Conditioner.measure(recording, self.conditioner_.band)

    @staticmethod
    def _live(conditioner: Conditioner) -> Mask:
        return np.isfinite(conditioner.scale)


def _apply_net(net: BlindLineNet, data: Samples, reference: Samples) -> Samples:
    import torch

    net.eval()
    from selfseis.learn import one_thread

    with one_thread(), torch.no_grad():
        return net(torch.from_numpy(np.ascontiguousarray(data)), torch.from_numpy(reference)).numpy()


def _read_denoised(
    channels: NDArray[np.intp],
    first: int,
    last: int,
    *,
    recording: xr.DataArray,
    conditioner: Conditioner,
    predict: Callable[[Samples, Mask], Samples],
    halo: int,
) -> Samples:
    step = max(ALIGNMENT, TILE_VALUES // recording.sizes["channel"] // ALIGNMENT * ALIGNMENT)
    margin = -(-(halo + conditioner.halo) // ALIGNMENT) * ALIGNMENT
    live = np.isfinite(conditioner.scale)
    parts = []
    for start in range(first // ALIGNMENT * ALIGNMENT, last, step):
        end = min(start + step, last)
        raw = _read_padded(recording, start - margin, end + margin)
        data, valid = conditioner(raw)
        clean = np.where(valid, conditioner.restore(predict(data, live)), np.nan)
        parts.append(clean[channels, margin + max(first - start, 0) : margin + end - start])
    return np.concatenate(parts, axis=1).astype(np.float32, copy=False)


def _read_padded(recording: xr.DataArray, first: int, last: int) -> Samples:
    n_channels, n_samples = recording.shape
    data = np.full((n_channels, last - first), np.nan, np.float32)
    inside = slice(max(first, 0), min(last, n_samples))
    data[:, inside.start - first : inside.stop - first] = recording.variable.isel(time=inside).values
    return data


def _channel_names(recording: xr.DataArray) -> list[str]:
    if is_fibre(recording):
        return [f"{metres:.3f}" for metres in recording["distance"].values]
    return [str(code) for code in recording["seed_id"].values]


def _coordinates(recording: xr.DataArray) -> dict[str, Any]:
    names = ("seed_id", "distance", "latitude", "longitude", "elevation")
    known: dict[str, Any] = {name: recording[name].values for name in names if name in recording.coords}
    known["units"] = recording.attrs.get("units", "")
    known["gauge_length"] = recording.attrs.get("gauge_length")
    known["accounting"] = recording.encoding.get("accounting")
    return known
