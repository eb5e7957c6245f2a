"""Options of the comparison of pickers."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.options import Options, option


@dataclass(frozen=True, kw_only=True)
class ComparisonOptions(Options):
    """Comparison of pickers without labels."""

    max_windows: int = option(
        600, "windows", "run time: about ten station-hours at 100 Hz; of more, blocks are drawn at random"
    )
    max_block: int = option(4, "windows", "judgement: length of a block, the unit of the bootstrap")
    wanted_blocks: int = option(24, "blocks", "judgement: blocks are shorter where a record is short")
    min_blocks: int = option(8, "blocks", "with fewer, the interval of a bootstrap says little")
    within: int = option(
        25,
        "samples",
        "between equal onsets of two pickers; 20 and 50 rank as well on ARCES and simulated networks",
    )
    sure_probability: float = option(0.8, "1", "judgement: of an onset of two pickers that is scaled down")
    margin: int = option(30, "samples", "as the recovery after a gap at inference")
    shift: int = option(1013, "samples", "judgement: shift of the window; odd and far from half a window")
    same_pick: int = option(10, "samples", "standard deviation of the labels")
    p_trigger: float = option(1.5, "1", "judgement: low, so that thresholds come from false picks")
    s_trigger: float = option(1.2, "1", "judgement: low, so that thresholds come from false picks")
    snr: tuple[float, ...] = option((2.0, 4.0, 8.0, 16.0), "noise levels", "judgement: of injected events")
    n_injected: int = option(40, "windows", "run time: of each kind and signal-to-noise ratio")
    n_wavelets: int = option(300, "wavelets", "run time")
    n_bootstraps: int = option(2000, "draws", "judgement")
    error_rate: float = option(0.05, "1", "judgement: probability of a false difference in each direction")
