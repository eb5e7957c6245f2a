"""Options of reading and preprocessing."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.options import Options, option


@dataclass(frozen=True, kw_only=True)
class QualityControlOptions(Options):
    """Samples that are masked when a file is read; `mask_dead_and_clipped` states the rule."""

    dead_seconds: float = option(2.0, "s", "judgement: constant for this time and for dead_samples")
    dead_samples: int = option(50, "samples", "judgement: constant for these and for dead_seconds")
    min_plateau: int = option(3, "samples", "judgement: two equal samples also occur at a rounded peak")
    clip_deviations: float = option(20.0, "median absolute deviations", "judgement: clipped beyond these")
    min_jump_steps: float = option(
        4.0, "smallest steps", "judgement: the flanks of a rounded peak differ by a few counts"
    )
    min_jump_share: float = option(0.02, "share of the amplitude", "judgement: jump to or from a plateau")

    line_ratio: float = option(
        16.0, "roundings", "judgement: median bend of the other samples, over the rounding of a straight line"
    )
    min_rough_share: float = option(
        0.5, "share of the samples", "judgement: samples off any line, in a channel with interpolated gaps"
    )


@dataclass(frozen=True, kw_only=True)
class SpikeOptions(Options):
    """Spikes of a single sample that are bridged before a filter spreads them."""

    reach: int = option(16, "samples", "judgement: on each side, with which a spike is compared")
    ratio: float = option(8.0, "1", "judgement: deviation of a spike over that of the samples around it")


@dataclass(frozen=True, kw_only=True)
class PreprocessingOptions(Options):
    """Band-pass, and the spans on which offsets and noise levels are measured."""

    band: tuple[float, float] = option(
        (0.02, 0.8),
        "share of the Nyquist frequency",
        "judgement: 1 to 40 Hz at 100 Hz, unless a band is given",
    )
    n_spans: int = option(12, "spans", "judgement: spread evenly over the recording")
    span_samples: int = option(60_000, "samples", "judgement: ten minutes at 100 Hz")
