"""Onset candidates of a picker and of the methods that it is compared with at held-out times."""

from __future__ import annotations

import xarray as xr

from selfseis.pick.baselines import AicDetector, untrained_net
from selfseis.pick.high_pass import CausalHighPass
from selfseis.pick.inference import Annotator, NetworkDetector, OnsetCandidates
from selfseis.pick.model import PickerModel
from selfseis.pick.noise_windows import sampled_windows
from selfseis.pick.options import PickerOptions
from selfseis.pick.starting_network import starting_network
from selfseis.recording.components import Station


def candidates_by_method(
    model: PickerModel,
    recording: xr.DataArray,
    stations: list[Station],
    band: tuple[float, float] | None,
    seed: int,
    options: PickerOptions,
) -> dict[str, list[OnsetCandidates]]:
    """Return the onset candidates of a picker, first, and of its baselines.

    Parameters
    ----------
    model : PickerModel
        The fitted state of the picker.
    recording : xarray.DataArray
        The recording.
    stations : list of Station
        Its stations.
    band : tuple of float or None
        Pass band of the picker in Hz.
    seed : int
        Seed of the untrained network.
    options : PickerOptions
        Settings of inference and of the baselines.

    Returns
    -------
    dict of str to list of OnsetCandidates
        By name of the method. A picker that was trained is also compared with the starting network.
    """
    high_pass = CausalHighPass.measure(recording, band, options.filter)
    n_windows = options.evaluation.n_untrained_windows
    windows = sampled_windows(recording, stations, high_pass, model.window, n_windows, seed, options.noise)
    net = untrained_net(windows, seed, options.training.batch_size)
    untrained = Annotator(net, high_pass, model.window, options.inference)
    trained = Annotator(model.net, high_pass, model.window, options.inference)
    min_height = options.self_training.labels.min_support_height
    picked = NetworkDetector(trained).find(recording, stations)
    candidates = {
        "the picker": [onsets.above(min_height) for onsets in picked],
        "STA/LTA with AIC": AicDetector(high_pass, options.trigger).find(recording, stations),
        "untrained network": NetworkDetector(untrained, 0.0).find(recording, stations),
    }
    if model.rounds:  # a picker that was trained
        start = Annotator(starting_network(), high_pass, model.window, options.inference)
        candidates["starting network"] = NetworkDetector(start).find(recording, stations)
    return candidates
