"""Options of the explorer: windows, features, classes, novelty, multiplets, null and exports."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.networks.options import WindowNetOptions
from selfseis.options import Options, option, option_group

_PLANTED = "judgement; benchmarks/explore_planted.py scores the result"
_VICREG = "Bardes, Ponce and LeCun (2022), arXiv:2105.04906"


@dataclass(frozen=True, kw_only=True)
class WindowOptions(Options):
    """Length of windows, sites and gaps."""

    target_windows: int = option(4000, "windows of a station", "judgement: some thousands")
    length_range: tuple[int, int] = option(
        (128, 4096), "samples", "judgement: lengths chosen where the record is long enough"
    )
    min_windows: int = option(4, "windows", "judgement: of a short record")
    min_length: int = option(16, "samples", "judgement")
    channels_per_site: int = option(16, "channels", "judgement: neighbours on a fibre that form a site")
    min_present: float = option(0.9, "share of samples", "judgement: of a usable window")
    max_tile_values: int = option(
        1_000_000, "samples", "judgement; benchmarks/explore_speed.py measures the memory"
    )


@dataclass(frozen=True, kw_only=True)
class ScatteringOptions(Options):
    """Bands of the wavelet scattering."""

    bands_per_octave: int = option(4, "bands", _PLANTED)
    max_centre: float = option(0.4, "cycles per sample", "judgement: the highest band ends below Nyquist")
    min_cycles: float = option(6.0, "cycles per window", "judgement: of the lowest band")
    relative_width: float = option(0.15, "1", "judgement: standard deviation of a band over its centre")
    modulation_width: float = option(0.35, "1", "judgement: the same of a second-order band")
    min_modulations: float = option(
        1.5, "cycles per window", "judgement: of the slowest second-order band, one per octave"
    )
    band_reach: float = option(3.0, "standard deviations", "judgement: the part of a band that is kept")
    n_time_cells: int = option(32, "cells per window", "judgement: power is averaged in them")
    tapered_share: float = option(0.25, "share of the halo", "judgement")


@dataclass(frozen=True, kw_only=True)
class BackgroundOptions(Options):
    """Background of a station, and what exceeds it."""

    floor: float = option(
        0.5, "share of the background power", "judgement: added to power, to suppress weaker differences"
    )
    min_modulation: float = option(
        1e-3, "share of the first order", "judgement: below it the second order is rounding noise"
    )
    min_windows_of_site: int = option(
        100, "windows", "judgement: from here on the background of a site is measured again"
    )
    coherence_weight: float = option(
        2.0, "1", "judgement: coherences lie within 1, logarithms of power exceed it"
    )


@dataclass(frozen=True, kw_only=True)
class EmbeddingOptions(Options):
    """Whitened coordinates of windows."""

    n_axes: int = option(8, "axes", "judgement: for classes, the variation that many windows share")
    n_novelty_axes: int = option(
        16,
        "axes",
        "judgement: a few windows hardly influence the strongest axes",
    )
    noise_share: float = option(
        0.7, "share of windows", "judgement: the scatter of those nearest to the median is whitened"
    )
    ridge: float = option(
        0.1, "share of the mean variance", "judgement: directions without scatter carry little weight"
    )
    softness: float = option(
        3.0, "median distances from the median", "judgement: where the amplitude begins to saturate"
    )


@dataclass(frozen=True, kw_only=True)
class EncoderOptions(Options):
    """Network of the encoder and its training (VICReg)."""

    network: WindowNetOptions = option_group(WindowNetOptions)
    min_training_windows: int = option(500, "windows", "judgement: with fewer, no encoder is trained")
    validation_period: int = option(
        5, "times", "judgement: every fifth window is held out to validate the encoder (early stopping)"
    )
    n_validation: int = option(1024, "pairs", "judgement: held-out pairs of views for early stopping")
    batch_size: int = option(256, "pairs", "judgement")
    max_steps: int = option(600, "steps", "judgement")
    check_every: int = option(50, "steps", "judgement")
    patience: int = option(3, "checks", "judgement")
    invariance: float = option(25.0, "1", _VICREG)
    variance: float = option(25.0, "1", _VICREG)
    covariance: float = option(1.0, "1", _VICREG)
    min_power_share: float = option(0.1, "share of the power", "judgement: of a window, left in a view")
    min_power_ratio: float = option(
        2.0, "background powers", "judgement: from here on neighbouring stations form a pair"
    )
    neighbour_share: float = option(0.3, "share of pairs", "judgement: with the window of the next station")


@dataclass(frozen=True, kw_only=True)
class ClusteringOptions(Options):
    """Clustering methods, the settings they choose from, and the assignment of other windows."""

    min_group_shares: tuple[float, ...] = option(
        (0.03, 0.01, 0.005, 0.0025), "share of windows", "judgement: sizes of the smallest group, for HDBSCAN"
    )
    group_counts: tuple[int, ...] = option(
        (2, 4, 6, 8, 10, 12), "groups", "judgement: for mixtures and Ward's method"
    )
    density_neighbours: int = option(5, "windows", "judgement: the core distance of HDBSCAN")
    max_points: int = option(
        12_000, "windows", "judgement: bounds memory and time: more are assigned, not grouped"
    )
    mixture_ridge: float = option(1e-3, "share of the largest variance", "judgement: added to covariances")
    mixture_starts: int = option(2, "starts", "judgement")
    max_ward_groups: int = option(
        400, "groups", "judgement: bounds the memory: the distances between all points would not fit"
    )
    kmeans_starts: int = option(3, "starts", "judgement: of the baseline")
    outer_fence: float = option(
        3.0, "interquartile ranges", "Tukey (1977), Exploratory Data Analysis: the outer fence"
    )
    assignment_neighbours: int = option(5, "windows", "judgement: their majority decides")
    reach_percentile: float = option(
        99.5, "percentile", "judgement: of the distances between known points, the reach of a group"
    )


@dataclass(frozen=True, kw_only=True)
class TreeOptions(Options):
    """Tree of classes in the atlas."""

    windows_per_leaf: int = option(150, "windows", "judgement")
    max_leaves: int = option(8, "leaves of a class", "judgement")
    max_points: int = option(
        5000, "windows of a class", "judgement: bounds the time: leaves are found from these"
    )


@dataclass(frozen=True, kw_only=True)
class StabilityOptions(Options):
    """Agreement of held-out halves of the time, and trusted classes."""

    n_blocks: int = option(24, "blocks of time", "judgement: every other one is held out")
    n_bootstrap: int = option(500, "draws", "judgement")
    min_disagreement: float = option(
        0.02, "share of windows", "judgement: expected at random, below it agreement is meaningless"
    )
    min_trusted: int = option(2, "classes", "judgement: a single class is not a structure")
    min_stability: float = option(
        0.5, "Jaccard index", "judgement: of a trusted class, even where the null is lower"
    )


@dataclass(frozen=True, kw_only=True)
class NoveltyOptions(Options):
    """Novelty score and the list of windows by novelty."""

    n_neighbours: int = option(20, "windows", "judgement: a kind with fewer windows counts as novel")
    near_neighbour: int = option(3, "rank", "judgement: close where a signal repeats")
    max_ratio: float = option(
        10.0, "1", "judgement: of the distances to the last neighbour and to the near one"
    )
    same_window: float = option(
        1e-3,
        "share of the distance to the last neighbour",
        "judgement: a nearer known window is the window itself; rounding gives some 1e-7, other windows 0.4 and more "
        "(simulated network, 1170 windows)",
    )
    max_references: int = option(40_000, "windows", "judgement: bounds memory and time")
    edge_share: float = option(
        0.25, "share of excess power", "judgement: a window with less than this of its neighbour is an edge"
    )
    fence: float = option(
        1.5, "interquartile ranges", "Tukey (1977), Exploratory Data Analysis: the inner fence"
    )
    max_listed: int = option(500, "windows", "judgement")


@dataclass(frozen=True, kw_only=True)
class MultipletOptions(Options):
    """Search for repeating earthquakes."""

    max_candidates: int = option(
        1500, "windows", "judgement: bounds the time: the loudest above their background"
    )
    min_candidates_of_site: int = option(8, "windows", "judgement: of each of many stations")
    n_neighbours: int = option(8, "windows", "judgement: windows of similar coordinates are correlated")
    min_correlation: float = option(0.7, "1", "judgement")
    null_percentile: float = option(
        99.9, "percentile", "judgement: of the correlation with time-reversed waveforms"
    )
    max_template_candidates: int = option(
        60, "windows", "judgement: bounds the time: the template is one of these"
    )


@dataclass(frozen=True, kw_only=True)
class SimilaritySearchOptions(Options):
    """Search for windows similar to given ones."""

    max_windows: int = option(100, "windows", "judgement")


@dataclass(frozen=True, kw_only=True)
class SurrogateOptions(Options):
    """Phase-randomised windows of the null."""

    max_windows: int = option(2000, "windows", "judgement: bounds the time")
    n_spans: int = option(12, "spans", "judgement: of the recording, for the mean spectrum")
    windows_per_span: int = option(64, "windows", "judgement")


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions(Options):
    """Requirements of a fit and of a verdict, and the consensus of neighbouring stations."""

    min_windows_to_group: int = option(20, "windows", "judgement: with fewer, no method can group")
    min_windows: int = option(
        60, "windows", "judgement: with fewer, halves of the recording are too short for a verdict"
    )
    n_shifts: int = option(40, "shifts", "judgement: of one station in time, for the null of the consensus")
    null_percentile: float = option(95.0, "percentile", "judgement: of the consensus under shifts")
    n_bootstrap: int = option(200, "draws", "judgement: for the interval of the consensus")


@dataclass(frozen=True, kw_only=True)
class ExportOptions(Options):
    """Datasets of a class for other software."""

    windows_per_bucket: int = option(1024, "windows", "judgement: in one array of a SeisBench file")


@dataclass(frozen=True, kw_only=True)
class ExplorerOptions(Options):
    """Settings of `Explorer`."""

    windows: WindowOptions = option_group(WindowOptions)
    scattering: ScatteringOptions = option_group(ScatteringOptions)
    background: BackgroundOptions = option_group(BackgroundOptions)
    embedding: EmbeddingOptions = option_group(EmbeddingOptions)
    encoder: EncoderOptions = option_group(EncoderOptions)
    clustering: ClusteringOptions = option_group(ClusteringOptions)
    tree: TreeOptions = option_group(TreeOptions)
    stability: StabilityOptions = option_group(StabilityOptions)
    novelty: NoveltyOptions = option_group(NoveltyOptions)
    multiplets: MultipletOptions = option_group(MultipletOptions)
    similarity_search: SimilaritySearchOptions = option_group(SimilaritySearchOptions)
    surrogates: SurrogateOptions = option_group(SurrogateOptions)
    evaluation: EvaluationOptions = option_group(EvaluationOptions)
    export: ExportOptions = option_group(ExportOptions)
