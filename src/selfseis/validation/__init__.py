"""Validation on held-out data: hide a part of the data, predict it from the rest, and score the prediction.

This package works on arrays only. Its modules hide data (`splits`), measure over how many channels noise is
correlated (`noise_correlation`), make surrogates for the null (`surrogates`), score predictions (`scores`), measure
false-alarm rates (`false_alarms`) and compare a method with its baseline and the null (`verdict`).
"""

from __future__ import annotations

from selfseis.validation.false_alarms import FalseAlarmRate, peaks
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
    "FalseAlarmRate",
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
    "peaks",
    "phase_randomised",
    "shuffled_channels",
    "skill",
    "within_reach",
]
