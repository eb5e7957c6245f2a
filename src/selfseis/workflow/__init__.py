"""Whole jobs: from a recording to a folder of results. The tasks do the work; this puts them in order."""

from __future__ import annotations

from selfseis.workflow.demo import run_demo
from selfseis.workflow.jobs import denoise, detect, learn_denoiser, run
from selfseis.workflow.results import check_apart

__all__ = ["check_apart", "denoise", "detect", "learn_denoiser", "run", "run_demo"]
