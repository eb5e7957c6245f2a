"""The command that detects events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfseis.cli.helpers import command_line, conclude, console_of, guarded, load_denoiser, settings_of
from selfseis.cli.options import Band, FalseAlarms, Method, Model, OptionsFile, Out, Seed, read_options
from selfseis.cli.source import Source

if TYPE_CHECKING:
    from selfseis.workflow.detect import DetectResult


def detect(
    source: Source,
    out: Out,
    model: Model = None,
    band: Band = None,
    false_alarms_per_day: FalseAlarms = 1.0,
    seed: Seed = 0,
    options: OptionsFile = None,
) -> None:
    """Detect events at a given false-alarm rate.

    Example: selfseis detect archive --false-alarms-per-day 1 --out results
    """

    def job() -> DetectResult:
        from selfseis import workflow
        from selfseis.detect.options import DetectorOptions
        from selfseis.workflow.options import RunOptions

        of_detector = read_options(options, DetectorOptions)
        settings = settings_of(
            Method.auto, band, false_alarms_per_day, seed, options=RunOptions(detector=of_detector)
        )
        source.check_outside(out)
        return workflow.detect(
            source.open(),
            out,
            load_denoiser(model),
            settings,
            title=source.title,
            command_line=command_line(),
            console=console_of(),
        )

    conclude(guarded(job))
