"""Settings of `Denoiser`, one class per stage."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.errors import InputError
from selfseis.networks.options import BlindSlantNetOptions
from selfseis.options import Options, option, option_group

MAX_FRAME_SAMPLES = 256  # frames overlap by half, and tiles start on multiples of 128 samples


@dataclass(frozen=True, kw_only=True)
class TrainingDataOptions(Options):
    """Data to train on, their split into training, validation and test samples, and the measured blind zone."""

    n_spans: int = option(12, "spans", "judgement: spread evenly over the recording")
    span_samples: int = option(60_000, "samples", "judgement: ten minutes at 100 Hz")
    n_patches: int = option(
        48, "patches per span", "judgement: several patches for each use in a short record"
    )
    held_out_share: float = option(
        1 / 3, "share", "judgement: one sixth of the patches for validation, one sixth for the test"
    )
    noise_window: int = option(256, "samples", "judgement: a window for the correlation of noise")
    max_noise_offset: int = option(64, "channels", "judgement: far beyond the gauge lengths in use")


@dataclass(frozen=True, kw_only=True)
class BurstOptions(Options):
    """Bursts of single channels, which are masked."""

    min_power_ratio: float = option(
        1000.0,
        "1",
        "judgement: far above any wave; power relative to the noise and to the neighbours (commit 8f97405)",
    )
    n_neighbours: int = option(4, "channels on each side", "judgement")


@dataclass(frozen=True, kw_only=True)
class CommonModeOptions(Options):
    """Common mode of a line, which is subtracted."""

    min_channels: int = option(
        32, "channels", "judgement: the mean of fewer channels contains too much of each"
    )
    min_share: float = option(
        0.1, "share of the noise power", "judgement: removal of a smaller share costs more signal than noise"
    )
    max_level: float = option(4.0, "noise levels", "judgement: a channel is clipped there in the mean")


@dataclass(frozen=True, kw_only=True)
class LevelOptions(Options):
    """Noise levels and prediction gains of channels."""

    min_change: int = option(
        2, "octaves", "judgement: a smaller change than that, relative to the median change, is ignored"
    )
    prior_spread: float = option(0.5, "1", "judgement: prior standard deviation of the gains about one")


@dataclass(frozen=True, kw_only=True)
class RidgeOptions(Options):
    """Ridge filters of lines and of stations."""

    strengths: tuple[float, ...] = option(
        (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0),
        "variances",
        "judgement: candidates, of which the validation samples choose one",
    )
    max_predictors: int = option(24, "channels", "judgement: the nearest ones of other stations")


@dataclass(frozen=True, kw_only=True)
class SlownessOptions(Options):
    """Range of slownesses of the network's slant stacks."""

    n_slownesses: int = option(11, "slownesses", "judgement")
    min_slowness: float = option(0.25, "samples per channel", "judgement: at least this range is covered")
    min_share: float = option(0.9, "share", "judgement: of the coherent energy that the range must cover")
    aperture: int = option(8, "channels", "judgement: a power of two")
    max_channels: int = option(256, "channels", "judgement: enough to see the waves of a line")
    max_samples: int = option(4096, "samples", "judgement: those with the most energy of a span")


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(Options):
    """Training of the network."""

    window_channels: int = option(64, "channels", "judgement: without the context")
    window_samples: int = option(512, "samples", "judgement: without the context")
    edge_samples: int = option(
        16, "samples", "half the length of the network's filter, which is truncated there"
    )
    validation_samples: int = option(4096, "samples", "judgement: computed at once, which limits memory")
    learning_rate: float = option(3e-3, "1", "judgement")
    fine_tuning_rate: float = option(1e-3, "1", "judgement: lower, since the weights are trained already")
    fine_tuning_divisor: int = option(8, "1", "judgement: fine-tuning takes that many times fewer steps")
    check_every: int = option(100, "steps", "judgement")
    fine_tuning_check_every: int = option(50, "steps", "judgement")
    patience: int = option(6, "validations", "judgement: without an improvement, before the training stops")


@dataclass(frozen=True, kw_only=True)
class FrameOptions(Options):
    """Frames of the windowed frequency-wavenumber spectra.

    Raises
    ------
    InputError
        If the size of a frame is not a power of two, a frame is longer than 256 samples, or a block does not consist
        of half frames.
    """

    max_channels: int = option(64, "channels", "judgement: a few wavelengths of the default band")
    max_samples: int = option(64, "samples", "judgement: a few periods of the default band")
    min_samples: int = option(32, "samples", "judgement: a frame of a short record")
    block_channels: int = option(
        512, "channels", "benchmarks/denoise_speed.py: computed at once, to fit the cache"
    )
    block_samples: int = option(
        768, "samples", "benchmarks/denoise_speed.py: computed at once, to fit the cache"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("max_channels", "max_samples", "min_samples"):
            size = getattr(self, name)
            if size < 1 or size & (size - 1):
                raise InputError(f"option {name} must be a power of two, got {size}")
        for name, frame in (("block_channels", self.max_channels), ("block_samples", self.max_samples)):
            step, size = max(1, frame // 2), getattr(self, name)
            if size < 1 or size % step:
                raise InputError(f"option {name} must be a multiple of half a frame, {step}, got {size}")
        if not 2 <= self.min_samples <= self.max_samples <= MAX_FRAME_SAMPLES:
            raise InputError(
                f"frames must have 2 to {MAX_FRAME_SAMPLES} samples, got {self.min_samples} to {self.max_samples}"
            )


@dataclass(frozen=True, kw_only=True)
class WienerOptions(Options):
    """Wiener weights of the prediction and of the observation."""

    frames: FrameOptions = option_group(FrameOptions)
    few_channels: int = option(
        16,
        "channels of a frame",
        "judgement: up to these the prediction separates waves better than wavenumbers do",
    )
    n_predicted: int = option(20, "levels of one octave", "judgement")
    min_predicted: float = option(-10.0, "octaves above the noise", "judgement: the lowest level")
    n_observed: int = option(16, "levels of half an octave", "judgement")
    min_observed: float = option(-1.5, "octaves above the noise", "judgement: the lowest level")
    noise_frames: float = option(
        0.5, "share", "judgement: of the frames, those with the weakest prediction, which measure the noise"
    )
    dependent_cells: int = option(
        16, "cells", "judgement: cells of the same event count as one independent cell"
    )
    min_steady_share: float = option(
        0.1, "share", "judgement: of the power in noise frames, above which waves never cease"
    )
    min_noise: float = option(
        0.05, "share", "judgement: of the power in noise frames, however well it was predicted"
    )
    n_standard_errors: float = option(2.0, "standard errors", "judgement: a signal exceeds zero by these")
    max_gain: float = option(2.0, "1", "judgement: of the prediction")
    min_cells: int = option(16, "cells", "judgement: a level with fewer cells is not used")
    n_simulated: int = option(1 << 21, "samples", "judgement: of simulated noise")
    min_simulated_cells: int = option(
        100, "cells", "judgement: a level of simulated noise with fewer cells is not used"
    )
    min_observed_gain: float = option(
        0.25, "1", "judgement: below this part of the reference gain a channel is too noisy to be used itself"
    )


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions(Options):
    """Evaluation on hidden channels at held-out times."""

    n_channel_blocks: int = option(12, "blocks of channels", "judgement")
    strongest_share: float = option(
        0.125, "share", "judgement: of the held-out blocks, those with the strongest prediction"
    )
    min_strongest: int = option(24, "blocks", "judgement")
    quiet_share: float = option(0.25, "share", "judgement: of the held-out patches, those of lowest energy")
    min_distance: int = option(
        4, "channels", "judgement: between hidden groups; at least twice the width of the blind zone"
    )
    n_rounds: int = option(4, "rounds", "judgement: each hides other channels")


@dataclass(frozen=True, kw_only=True)
class TilingOptions(Options):
    """Tiles in which a recording is denoised."""

    max_values: int = option(4_000_000, "values of a tile", "judgement: it bounds the memory")
    min_margins: int = option(
        3, "margins", "judgement: with many channels, a shorter tile would be mostly margin"
    )


@dataclass(frozen=True, kw_only=True)
class DenoiserOptions(Options):
    """Settings of `Denoiser`."""

    training_data: TrainingDataOptions = option_group(TrainingDataOptions)
    bursts: BurstOptions = option_group(BurstOptions)
    common_mode: CommonModeOptions = option_group(CommonModeOptions)
    levels: LevelOptions = option_group(LevelOptions)
    ridge: RidgeOptions = option_group(RidgeOptions)
    slownesses: SlownessOptions = option_group(SlownessOptions)
    network: BlindSlantNetOptions = option_group(BlindSlantNetOptions)
    training: TrainingOptions = option_group(TrainingOptions)
    wiener: WienerOptions = option_group(WienerOptions)
    evaluation: EvaluationOptions = option_group(EvaluationOptions)
    tiling: TilingOptions = option_group(TilingOptions)
