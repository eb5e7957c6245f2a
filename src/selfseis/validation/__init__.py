"""The one idea: hide a part of the data, predict it from the rest, judge the prediction on what was hidden.

This package knows arrays only. It hides (`hide`), measures how far noise is shared across channels
(`blind_zone`), makes data that chance alone could have made (`surrogate`), scores predictions (`skill`) and says
in words what the scores mean (`verdict`).
"""

from __future__ import annotations

from selfseis.validation.noise_correlation import channel_correlation, correlation_half_width
from selfseis.validation.scores import BlockScores, Interval, block_scores, bootstrap_skill, skill
from selfseis.validation.splits import (
    hide_blocks,
    hide_channels,
    hide_groups,
    hide_time_patches,
    within_reach,
)
from selfseis.validation.surrogates import circular_shifts, phase_randomised, shuffled_channels
from selfseis.validation.verdict import Verdict, judge

__all__ = [
    "BlockScores",
    "Interval",
    "Verdict",
    "block_scores",
    "bootstrap_skill",
    "channel_correlation",
    "circular_shifts",
    "correlation_half_width",
    "hide_blocks",
    "hide_channels",
    "hide_groups",
    "hide_time_patches",
    "judge",
    "phase_randomised",
    "shuffled_channels",
    "skill",
    "within_reach",
]
