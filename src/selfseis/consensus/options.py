"""Options of the consensus across stations and of Wadati diagrams."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.options import Options, option


@dataclass(frozen=True, kw_only=True)
class ConsensusOptions(Options):
    """Pairs of onsets, conditions for a common event, and the null by shifted stations.

    Times at 100 Hz scale with the sampling interval: 10 s at 100 Hz are 2 s at 500 Hz.
    """

    max_s_per_p: int = option(6, "onsets", "judgement: the most probable S of each P")
    vp_vs: float = option(1.73, "1", "Poisson solid: the square root of 3")
    tolerance: float = option(1.0, "s at 100 Hz", "judgement: wide, so that vp/vs need not be known")
    apart: float = option(1.0, "s at 100 Hz", "judgement: onsets of different events at one station")
    travel_limit: float = option(10.0, "s at 100 Hz", "judgement: between stations without coordinates")
    min_p_velocity: float = option(1.5, "km/s", "judgement: P along the surface, in soft rock")
    max_pairs: int = option(2_000_000, "pairs", "memory: only the best pairs of each station beyond it")
    max_couples: int = option(300_000, "couples", "run time: only the best pairs of each station beyond it")
    n_shifts: int = option(20, "shifts", "judgement")


@dataclass(frozen=True, kw_only=True)
class WadatiOptions(Options):
    """Conditions under which P and S times give vp/vs."""

    vp_vs_range: tuple[float, float] = option((1.4, 3.0), "1", "judgement: plausible values of the crust")
    max_interval: float = option(0.5, "1", "judgement: a wider 90% interval does not constrain vp/vs")
    min_pairs: int = option(6, "pairs", "judgement: beyond one per event")
    n_bootstraps: int = option(200, "draws", "judgement")
    min_couples: int = option(5, "couples", "judgement")
