"""Options of the main job: those of every task."""

from __future__ import annotations

from dataclasses import dataclass

from selfseis.denoise.options import DenoiserOptions
from selfseis.detect.options import DetectorOptions
from selfseis.explore.options import ExplorerOptions
from selfseis.locate.options import LocateOptions
from selfseis.options import Options, option, option_group
from selfseis.pick.options import PickerOptions


@dataclass(frozen=True, kw_only=True)
class RunOptions(Options):
    """Settings of `selfseis.workflow.run`."""

    min_event_pick_probability: float = option(
        0.4, "probability", "judgement: an event needs several picks, so each may be less probable"
    )
    denoiser: DenoiserOptions = option_group(DenoiserOptions)
    detector: DetectorOptions = option_group(DetectorOptions)
    picker: PickerOptions = option_group(PickerOptions)
    explorer: ExplorerOptions = option_group(ExplorerOptions)
    locate: LocateOptions = option_group(LocateOptions)
