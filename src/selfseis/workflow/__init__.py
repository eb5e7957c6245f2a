"""Whole jobs: from a recording to a folder of results. The tasks do the work; this puts them in order."""

from __future__ import annotations

from selfseis.workflow.demo import run_demo
from selfseis.workflow.explore import explore, train_explorer
from selfseis.workflow.load_model import load_model
from selfseis.workflow.pick import check_keeps, pick, train_picker
from selfseis.workflow.results import check_apart
from selfseis.workflow.run import denoise, detect, run, train_denoiser
from selfseis.workflow.write_denoised import what_was_predicted

__all__ = [
    "check_apart",
    "check_keeps",
    "denoise",
    "detect",
    "explore",
    "load_model",
    "pick",
    "run",
    "run_demo",
    "train_denoiser",
    "train_explorer",
    "train_picker",
    "what_was_predicted",
]
