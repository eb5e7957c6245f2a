"""Settings of `Detector`, one class per stage."""

from __future__ import annotations

import math
from dataclasses import dataclass

from selfseis.options import Options, option, option_group


@dataclass(frozen=True, kw_only=True)
class SlantStackOptions(Options):
    """Score of a line of channels."""

    tile_values: int = option(8_000_000, "samples", "judgement: samples of all channels in memory at once")
    max_slownesses: int = option(41, "slownesses", "judgement: the time of a scan is in proportion to it")
    max_segment: int = option(
        128, "channels", "judgement: a wavefront is taken to be plane over so many channels"
    )
    n_spans: int = option(
        12, "spans", "judgement: spread over the recording, for the scale of the statistics"
    )
    span_length: int = option(24_000, "samples", "judgement: four minutes at 100 Hz")
    min_common_mode: float = option(
        0.02, "1", "judgement: correlation between the halves of the line from which a common mode is removed"
    )
    min_hops: int = option(
        1000,
        "hops",
        "judgement: an event can fill a shorter record, which then gives no estimate of lasting coherence",
    )
    n_draws: int = option(
        4,
        "surrogates",
        "an error of 1% in the scale of the statistics is an error of 10% in the rate of false alarms",
    )
    max_noise: float = option(4.0, "noise levels", "judgement: larger samples belong to events")
    floor: float = option(
        0.1, "1", "judgement: share of the energy below which changes of a beam are not significant"
    )
    n_past: int = option(40, "hops", "judgement: the reference for a change of coherence")
    min_segment_score: float = option(
        3.0, "1", "judgement: standardised score of a segment that records an event"
    )


@dataclass(frozen=True, kw_only=True)
class CoincidenceOptions(Options):
    """Score of scattered stations."""

    tile_values: int = option(8_000_000, "samples", "judgement: samples of all channels in memory at once")
    long_windows: int = option(40, "hops", "judgement: the long-term level, about 25 s at 100 Hz")
    body_wave_factor: float = option(
        4.0,
        "1",
        "lowest apparent velocity between stations over `slowest`: 2 km/s by default, below that of body waves "
        "in the crust",
    )
    unknown_reach: int = option(20, "hops", "judgement: ten windows, where stations have no coordinates")
    min_trigger: float = option(
        math.log(3.0), "1", "judgement: log of the energy ratio of a station that records an event"
    )
    tail_quantile: float = option(
        0.99,
        "1",
        "judgement: of each statistic under the null, from which its tail and so its scale is measured",
    )
    scale_hops: int = option(50_000, "hops", "judgement: of surrogates, on which that scale is measured")
    block: int = option(16, "hops", "judgement: the correlation between stations is computed over each block")
    min_blocks: int = option(200, "blocks", "judgement: a shorter record can consist of events only")
    min_correlation: float = option(
        0.03, "1", "judgement: correlation between stations that surrogates must keep"
    )


@dataclass(frozen=True, kw_only=True)
class ThresholdOptions(Options):
    """How scores of surrogates become a threshold."""

    apart: int = option(16, "hops", "judgement: distance of separate events")
    target_peaks: int = option(
        20, "peaks", "judgement: in all surrogates together, at the accepted rate of false alarms"
    )
    min_surrogates: int = option(4, "surrogates", "judgement")
    network_hops: int = option(
        2_000_000, "hops", "judgement: of all surrogates of a network together; their time is in proportion"
    )
    network_surrogates: int = option(
        20_000,
        "surrogates",
        "run time: the maximum of a network, which only records of less than 100 hops reach",
    )
    round_surrogates: int = option(
        200, "surrogates", "judgement: while events are cut out of a network's surrogates"
    )
    line_surrogates: tuple[int, int] = option(
        (16, 64), "surrogates", "judgement: the maximum of a line, for a long and for a short record"
    )
    line_values: int = option(
        320_000_000, "samples", "judgement: the maximum of a line lies between the two; time is in proportion"
    )
    min_tail: int = option(
        10, "peaks", "judgement: with fewer exceedances, a rate is extrapolated and not counted"
    )
    max_tail: int = option(200, "peaks", "judgement: from which the extrapolation follows")
    min_hops: int = option(
        1000, "hops", "judgement: an event can fill a shorter record and would count as its background"
    )
    background_quantile: float = option(0.2, "1", "judgement: the quietest fifth of the recording")
    min_quiet_peaks: int = option(
        20,
        "peaks",
        "judgement: of one station, to fit their quartiles; with fewer, transients of three times the energy before "
        "are listed as uncalibrated",
    )
    max_rounds: int = option(
        8, "rounds", "judgement: in which events are found and cut out of the surrogates"
    )
    max_masked: float = option(
        0.5, "1", "judgement: share of the recording that may hold events; what is left must be most of it"
    )
    mask_margin: int = option(2, "hops", "judgement: cut out before and after an event, beyond its score")
    mask_false_discovery_rate: float = option(
        0.05,
        "1",
        "judgement: only events that are almost sure are cut out, or accidental coincidences would be as well",
    )
    min_expected: float = option(
        1.0,
        "peaks",
        "judgement: where all surrogates together are shorter than this at the accepted rate, that rate is not "
        "calibrated, and events above all surrogates are listed too",
    )
    end_quantile: float = option(
        0.99, "1", "judgement: an event lasts while its score exceeds this quantile of the null"
    )


@dataclass(frozen=True, kw_only=True)
class BaselineOptions(Options):
    """The simple detector to which a detector is compared."""

    tile_values: int = option(8_000_000, "samples", "judgement: samples of all channels in memory at once")
    long_windows: int = option(40, "hops", "judgement: as for stations")
    max_values: int = option(
        20_000_000, "samples", "judgement: samples of the recording on which its threshold is set"
    )
    n_surrogates: int = option(4, "surrogates", "judgement: as the fewest of the detector")


@dataclass(frozen=True, kw_only=True)
class SimultaneityOptions(Options):
    """Events that reach all stations at the same time."""

    crossing_speed: float = option(
        2000.0, "m/s", "as between stations: below the apparent velocity of body waves in the crust"
    )
    max_spread: float = option(
        0.03,
        "1",
        "judgement: spread over the stations, of the time that such a wave needs to cross the network; local events "
        "spread over a tenth of it or more",
    )
    min_coherence: float = option(0.5, "1", "judgement: correlation of steep waves from far away")
    max_share: float = option(0.5, "1", "judgement: of the best events, beyond which the verdict is open")


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions(Options):
    """Injection test and verdict."""

    max_events: int = option(5, "events", "judgement: the best are injected")
    n_blocks: int = option(
        10, "blocks", "judgement: events times noise windows at least; a verdict needs eight"
    )
    margin: int = option(
        2, "hops", "judgement: of an event that is cut out, before its start and after its end"
    )
    simultaneity: SimultaneityOptions = option_group(SimultaneityOptions)
    max_event: int = option(20_000_000, "samples", "judgement: of all channels of an event in memory")
    step: float = option(1.5, "dB", "judgement: between the levels of the test")
    max_reduction: float = option(45.0, "dB", "judgement: below the event as recorded")
    error_rate: float = option(0.05, "1", "convention: one-sided error probability of each comparison")
    min_gain: float = option(0.01, "1", "judgement: minimum gain in skill that matters to a user")


@dataclass(frozen=True, kw_only=True)
class DetectorOptions(Options):
    """Settings of `Detector`."""

    slant_stack: SlantStackOptions = option_group(SlantStackOptions)
    coincidence: CoincidenceOptions = option_group(CoincidenceOptions)
    threshold: ThresholdOptions = option_group(ThresholdOptions)
    baseline: BaselineOptions = option_group(BaselineOptions)
    evaluation: EvaluationOptions = option_group(EvaluationOptions)
