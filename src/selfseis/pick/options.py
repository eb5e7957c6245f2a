"""Options of the picker, one group per stage."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.consensus.options import ConsensusOptions
from selfseis.options import Options, option, option_group

_MINUTE = "judgement: a minute at 100 Hz"
_DEVELOPMENT = "chosen on CX.PB01 and CX.PB02, 2014-05-01, hours 0 to 6"


@dataclass(frozen=True, kw_only=True)
class SplitOptions(Options):
    """Window length, and training, validation and test times, stations and channels."""

    max_window: int = option(6144, "samples", _MINUTE)
    min_window: int = option(1536, "samples", "judgement: 15 s at 100 Hz")
    max_blocks: int = option(32, "blocks", "judgement: of a recording without gaps")
    min_windows_per_block: int = option(4, "windows", "judgement")
    held_out_every: int = option(4, "blocks", "judgement: a fourth of the time is held out")
    held_out_station_every: int = option(4, "stations", "judgement: a fourth of the stations is held out")
    max_fibre_channels: int = option(24, "channels", "judgement: neighbours record nearly the same")


@dataclass(frozen=True, kw_only=True)
class FilterOptions(Options):
    """Corner of the causal high-pass where no band is given."""

    corner: float = option(1.0, "Hz", "above the microseism, which a corner of 0.4 Hz let pass at 40 Hz")
    min_corner_share: float = option(0.01, "share of the sampling rate", "judgement: 5 Hz at 500 Hz")
    max_corner_share: float = option(0.05, "share of the sampling rate", "judgement: 0.1 Hz at 2 Hz")


@dataclass(frozen=True, kw_only=True)
class NoiseOptions(Options):
    """Windows of the recording that serve as noise."""

    piece: int = option(100, "samples", "judgement: pieces of 1 s at 100 Hz, whose energies are compared")
    max_share: float = option(0.35, "share", "judgement: of the windows of a station")
    max_energy_ratio: float = option(8.0, "1", "judgement: most energetic piece over the median piece")
    max_windows: int = option(2400, "windows", "memory")
    min_windows: int = option(24, "windows", "judgement: noise is synthesised below it")
    min_present_share: float = option(0.99, "share", "judgement: of the samples of a window")
    held_out_every: int = option(5, "windows", "judgement: a fifth of the noise is held out")
    n_synthetic_windows: int = option(480, "windows", "judgement")
    n_pieces: int = option(8, "pieces", "judgement: the quietest piece of a window shapes synthetic noise")


@dataclass(frozen=True, kw_only=True)
class PriorOptions(Options):
    """Prior distribution of synthetic onsets."""

    s_minus_p: tuple[float, float] = option(
        (0.25, 54.0),
        "s at 100 Hz",
        "S - P of local to regional events: up to 135 s at 40 Hz (ARCES has 139 s)",
    )
    pair_s_minus_p: tuple[float, float] = option(
        (0.3, 26.0), "s at 100 Hz", "judgement: pairs of P and S where no S - P is given"
    )
    snr: tuple[float, float] = option((1.5, 150.0), "noise levels", "judgement: amplitude of P")
    n_wavelets: int = option(2000, "wavelets", "judgement")
    max_wavelet: int = option(3072, "samples", "judgement: 30 s at 100 Hz")
    pair_limit: float = option(
        2.0, "upper limits of S - P", "judgement: largest S - P of a pair if it is given"
    )


@dataclass(frozen=True, kw_only=True)
class ExampleOptions(Options):
    """Random training examples."""

    prior: PriorOptions = option_group(PriorOptions)
    label_sd: float = option(10.0, "samples", "Zhu and Beroza (2019), doi:10.1093/gji/ggy423: 0.1 s")
    n_events_shares: tuple[float, ...] = option(
        (0.25, 0.5, 0.18, 0.07), "share", "judgement: windows with 0, 1, 2 and 3 events"
    )
    disturbed_share: float = option(0.3, "share", "judgement: of the synthetic windows")
    mixed_share: float = option(0.3, "share", "judgement: windows with noise of two times added")
    missing_component_share: float = option(0.15, "share", "more held-out consensus than with 0.25")
    clipped_share: float = option(0.03, "share", "judgement")
    gap_share: float = option(0.15, "share", "judgement")
    positive_share: float = option(0.5, "share", "judgement: of all examples, once there are pseudo-labels")
    negative_share: float = option(0.2, "share", "judgement: of all examples, once there are pseudo-labels")
    negative_event_share: float = option(0.3, "share", "judgement: negatives with a synthetic event added")
    s_share: float = option(0.2, "share", "judgement: positives cut around S instead of P")
    scaled_share: float = option(0.5, "share", "judgement: positives that are scaled down")
    scaled_snr: tuple[float, float] = option(
        (1.5, 25.0), "noise levels", "judgement: peak of a P scaled down"
    )


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(Options):
    """Training of the network in stages: synthetic onsets first, then rounds with pseudo-labels."""

    first_steps: int = option(800, "steps", "a third of a training from random weights")
    round_steps: int = option(300, "steps", "judgement; run time in benchmarks/picking_speed.py")
    first_learning_rate: float = option(1e-3, "1", "judgement: half of that from random weights")
    round_learning_rate: float = option(1e-3, "1", "judgement")
    batch_size: int = option(12, "windows", "judgement")
    onset_weight: float = option(4.0, "1", "judgement: weight of samples at onsets, which are rare")
    n_validation_windows: int = option(192, "windows", "judgement")
    check_every: int = option(250, "steps", "judgement")


@dataclass(frozen=True, kw_only=True)
class LabelOptions(Options):
    """Pseudo-labels from the consensus across stations; heights are outputs of the network."""

    min_partner_height: float = option(0.3, "height", "judgement: both onsets of a pair, which is ignored")
    min_negative_height: float = option(0.2, "height", "judgement")
    min_support_height: float = option(0.1, "height", "judgement: an onset that supports another station's")
    min_consensus_height: float = option(0.03, "height", "judgement: an onset of a common event")
    min_labelled_height: float = option(0.05, "height", "judgement: an onset that is labelled at all")
    min_isolated_event_height: float = option(
        0.9, "height", "judgement: an isolated onset of an event too small for the other stations"
    )
    coda: float = option(0.5, "S - P", f"{_DEVELOPMENT}: length of the coda after S")
    ignored_reach: int = option(60, "samples", "judgement: no weight on either side of an ignored onset")
    refining_reach: int = option(60, "samples", "judgement: on either side of a P within which AIC searches")
    max_refinement: int = option(50, "samples", "judgement")
    min_snr_for_aic: float = option(12.0, "1", f"{_DEVELOPMENT}: the network times weaker P better")
    noise_before: int = option(400, "samples", "judgement: noise before a P that AIC may refine")
    peak_after: int = option(100, "samples", "judgement: peak after a P that AIC may refine")
    max_windows: int = option(700, "windows", "memory: positives, and negatives")


@dataclass(frozen=True, kw_only=True)
class SelfTrainingOptions(Options):
    """Rounds of self-training."""

    labels: LabelOptions = option_group(LabelOptions)
    max_null_shares: tuple[float, ...] = option(
        (0.25, 0.15, 0.08, 0.04), "share", "judgement: null events among the positives, by round"
    )
    min_confirmed: int = option(12, "confirmations", "judgement: by another station, for a round")
    patience: int = option(2, "rounds", f"{_DEVELOPMENT}: rounds in a row with clearly less consensus")


@dataclass(frozen=True, kw_only=True)
class CalibrationOptions(Options):
    """Probabilities, time uncertainties and thresholds from picks of known truth."""

    n_injections: int = option(400, "windows", "judgement")
    hit_within: int = option(50, "samples", "judgement: 0.5 s at 100 Hz between a hit and its onset")
    residuals_per_bin: int = option(25, "picks", "judgement")
    max_residual_bins: int = option(8, "bins", "judgement")
    n_reversed_windows: int = option(
        1500, "windows", "run time: about a day at 100 Hz, picked forwards and in reversed time"
    )
    windows_per_piece: int = option(8, "windows", "memory: a piece is picked at once, as a recording is")
    min_probability: float = option(
        0.1, "1", "judgement: lowest probability of a pick at a false-discovery rate"
    )
    max_probability: float = option(0.99, "1", "judgement: nothing counted on some thousand windows is surer")
    max_tail: int = option(
        20, "picks", "measured for Beta, normal and exponential odds: fewer scatter, more bias low rates"
    )
    min_tail: int = option(5, "picks", "judgement: fewer give the scale of an exponential tail of one")
    min_counted: int = option(10, "picks", "judgement: a rate of fewer false picks is extrapolated")
    max_kept: int = option(4000, "picks", "file size: heights of each phase in a saved picker")


@dataclass(frozen=True, kw_only=True)
class InferenceOptions(Options):
    """Probabilities along a recording, and onset candidates at their peaks."""

    apart: int = option(100, "samples", "judgement: 1 s at 100 Hz between candidates of one phase")
    same_onset: int = option(
        25, "samples", "lowest S - P of the prior: a P and an S nearer than that are one onset"
    )
    min_height: float = option(0.02, "height", "judgement")
    reductions: tuple[int, ...] = option(
        (1, 2),
        "factors",
        "of the rate, averaged: P .03 to .07 better than (1,) on ARCES and CX.PB01/PB02 hours 1 to 4, S equal",
    )
    recovery: int = option(30, "samples", "judgement: zero probability after a gap at least as long")
    edge: int = option(400, "samples", "context in which peaks are compared, four times the minimum distance")
    batch_size: int = option(32, "windows", "memory")
    tile_values: int = option(6_000_000, "values", "memory: per tile; picks do not depend on it")


@dataclass(frozen=True, kw_only=True)
class MoveoutOptions(Options):
    """Support of picks along a fibre by neighbouring channels."""

    n_neighbours: int = option(8, "channels", "judgement: on each side")
    tolerance: float = option(10.0, "samples", "standard deviation of the labels")
    min_velocity: float = option(500.0, "m/s", "judgement: minimum apparent velocity along the fibre")
    to_ends: int = option(60, "samples", "judgement: no picks at the beginning and the end of data")
    n_shifts: int = option(5, "shifts", "judgement: circular shifts of the channels that give the null")
    max_values: int = option(1_000_000, "values", "memory: compared at once; picks do not depend on it")
    false_alarms_per_day: float = option(
        1.0, "per channel and day", "judgement: where no rate is given; the null of channels counts it"
    )

    @property
    def min_channels(self) -> int:
        """Minimum number of channels of a fibre for moveout support."""
        return 2 * self.n_neighbours


@dataclass(frozen=True, kw_only=True)
class TriggerOptions(Options):
    """STA/LTA trigger with AIC onsets, a baseline; 50 samples are 0.5 s at 100 Hz."""

    p_trigger: float = option(4.0, "1", "judgement: minimum STA/LTA of squared amplitudes of a P")
    s_trigger: float = option(2.0, "1", "judgement: minimum ratio of the energies after and before an S")
    short: int = option(50, "samples", "judgement: window of the short-term average")
    long: int = option(1000, "samples", "judgement: window of the long-term average")
    s_before: int = option(100, "samples", "judgement: window before an S for the ratio of energies")
    s_after: int = option(60, "samples", "judgement: window after an S for the ratio of energies")
    s_minus_p: tuple[int, int] = option((30, 1300), "samples", "prior of the synthetic onsets")
    search: int = option(100, "samples", "judgement: maximum distance of the AIC onset from the trigger")
    apart: int = option(100, "samples", "judgement: minimum distance between two P")
    core: int = option(60_000, "samples", "memory: per tile")
    context: int = option(
        4_000, "samples", "covers the long-term average before, and an S and its search after"
    )


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions(Options):
    """Verdict at held-out times."""

    n_shifts: int = option(40, "shifts", "judgement: of stations, which give the null")
    n_untrained_windows: int = option(
        240, "windows", "judgement: set the normalisation of the untrained network, a baseline"
    )


@dataclass(frozen=True, kw_only=True)
class StartingNetworkOptions(Options):
    """Training of the starting network on generated noise and simulated onsets alone."""

    n_steps: int = option(
        10_000,
        "steps",
        "about 27 CPU minutes; 9,000 more lowered the loss and found fewer S of ARCES and CX.PB01/PB02",
    )
    batch_size: int = option(12, "windows", "judgement")
    learning_rate: float = option(2e-3, "1", "judgement")
    onset_weight: float = option(4.0, "1", "judgement: weight of samples at onsets, which are rare")
    n_validation_windows: int = option(192, "windows", "judgement")
    check_every: int = option(250, "steps", "judgement")
    n_wavelets: int = option(2400, "wavelets", "memory")
    high_pass: float = option(0.01, "cycles per sample", "corner of the high-pass at 100 Hz")
    lengths: tuple[int, ...] = option((6144, 3072, 1536), "samples", "lengths of a window at inference")
    length_shares: tuple[float, ...] = option((0.7, 0.15, 0.15), "share", "judgement")
    examples: ExampleOptions = option_group(ExampleOptions)


@dataclass(frozen=True, kw_only=True)
class AdaptationOptions(Options):
    """Adapting a trained picker to a recording, and the held-out comparison with its parent."""

    n_steps: int = option(300, "steps", "chosen on ARCES and Iceland; run time")
    learning_rate: float = option(1e-4, "1", "chosen on ARCES and Iceland: 1e-3 loses what the parent knew")
    parent_weight: float = option(0.3, "share", "QuakeScope: weight of the distillation")
    temperature: float = option(4.0, "1", "QuakeScope: temperature of the distillation")
    batch_size: int = option(12, "windows", "judgement")
    onset_weight: float = option(4.0, "1", "judgement: weight of samples at onsets, which are rare")
    check_every: int = option(50, "steps", "judgement: between checkpoints")
    on_consensus: bool = option(
        False,
        "yes or no",
        "pseudo-labels of stations; at the mine P fell by 0.07 with them and rose by 0.19 without",
    )
    max_null_share: float = option(0.15, "share", "judgement: null events among the pseudo-labels")
    max_false_share: float = option(
        0.25, "share", "judgement: false-discovery rate at which picks of parent and child are counted"
    )
    min_agreement: float = option(
        0.8, "share", "of the parent's picks; 0.76 and 0.79 where training destroyed a picker of ARCES"
    )
    max_loss: float = option(0.02, "share", "judgement: a loss of picks that still counts as none")
    min_picks: int = option(20, "picks", "judgement: fewer cannot compare two pickers")
    n_blocks: int = option(32, "blocks", "judgement: units of the bootstrap, of equal held-out time")
    min_blocks: int = option(8, "blocks", "as in validation.judge")
    n_reinjected: int = option(200, "windows", "run time: weakened copies of strong events")
    min_height: float = option(
        0.5, "height", "judgement: strong events are at least as high, and within the false share"
    )
    reinjected_snr: tuple[float, float] = option((1.5, 10.0), "noise levels", "judgement: of the copies")
    error_rate: float = option(0.05, "1", "judgement: probability of a false gain in one phase")


@dataclass(frozen=True, kw_only=True)
class PickerOptions(Options):
    """Settings of `Picker`."""

    split: SplitOptions = option_group(SplitOptions)
    filter: FilterOptions = option_group(FilterOptions)
    noise: NoiseOptions = option_group(NoiseOptions)
    examples: ExampleOptions = option_group(ExampleOptions)
    training: TrainingOptions = option_group(TrainingOptions)
    self_training: SelfTrainingOptions = option_group(SelfTrainingOptions)
    calibration: CalibrationOptions = option_group(CalibrationOptions)
    inference: InferenceOptions = option_group(InferenceOptions)
    moveout: MoveoutOptions = option_group(MoveoutOptions)
    consensus: ConsensusOptions = option_group(ConsensusOptions)
    trigger: TriggerOptions = option_group(TriggerOptions)
    evaluation: EvaluationOptions = option_group(EvaluationOptions)
    adaptation: AdaptationOptions = option_group(AdaptationOptions)
