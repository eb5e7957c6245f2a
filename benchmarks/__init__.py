"""Benchmarks: one file per claim, each with a baseline and a null; results are kept in ``results``."""

from __future__ import annotations

PICKING = (
    "picking_archive",
    "picking_windows",
    "picking_mine",
    "picking_regional",
    "picking_order",
    "picking_speed",
    "picking_stability",
    "picking_times",
    "picking_rates",
    "picking_damage",
    "picking_adapting",
    "locating_swarm",
    "continuous",
)
TOMOGRAPHY = ("tomography_mantle", "tomography_flinders", "tomography_scale")
SLIP = ("slip_illapel", "slip_synthetic")
DENOISING = ("denoise_fibre", "denoise_limits", "denoise_stationary", "denoise_hidden", "denoise_speed")
EXPLORING = ("explore_planted", "explore_speed")
SEARCHING = ("false_alarms", "verdicts", "samples", "detection_fibre", "detection_stations", "memory")
NAMES = (*SEARCHING, *EXPLORING, *DENOISING, *PICKING, *SLIP, *TOMOGRAPHY)

__all__ = ["NAMES"]
