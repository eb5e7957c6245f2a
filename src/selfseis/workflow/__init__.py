"""Whole jobs: from a recording to a folder of results.

The packages of the tasks do the work; the jobs call them in order.
"""

from __future__ import annotations

from selfseis.workflow.adapt import adapt_picker
from selfseis.workflow.demo import run_demo
from selfseis.workflow.denoise import denoise, train_denoiser
from selfseis.workflow.detect import detect
from selfseis.workflow.explore import explore, train_explorer
from selfseis.workflow.load_model import load_model
from selfseis.workflow.pick import pick, train_picker
from selfseis.workflow.pick_table import pick_table
from selfseis.workflow.results import check_model_settings, check_output_outside_data
from selfseis.workflow.run import run
from selfseis.workflow.write_denoised import predicted_channels_summary

__all__ = [
    "adapt_picker",
    "check_model_settings",
    "check_output_outside_data",
    "denoise",
    "detect",
    "explore",
    "load_model",
    "pick",
    "pick_table",
    "predicted_channels_summary",
    "run",
    "run_demo",
    "train_denoiser",
    "train_explorer",
    "train_picker",
]
