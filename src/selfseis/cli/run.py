"""The commands of the main job: ``run``, and ``demo`` on three real recordings."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from selfseis.cli.helpers import command_line, conclude, console_of, guarded, settings_of
from selfseis.cli.options import (
    Band,
    Explore,
    FalseAlarms,
    Method,
    MethodOption,
    OptionsFile,
    Out,
    Picks,
    Seed,
    TrainingFraction,
    Velocity,
    read_options,
)
from selfseis.cli.source import Source

if TYPE_CHECKING:
    from selfseis.workflow.detect import DetectResult


def demo(out: Out = Path("selfseis-demo")) -> None:
    """Run the main job on three real recordings.

    The job writes one report per recording, and an index page.

    Example: selfseis demo --out selfseis-demo
    """
    from selfseis.workflow import run_demo

    console = console_of()
    page = guarded(lambda: run_demo(out, console=console))
    print(page)


def run(
    source: Source,
    out: Out,
    band: Band = None,
    false_alarms_per_day: FalseAlarms = 1.0,
    method: MethodOption = Method.auto,
    seed: Seed = 0,
    picks: Picks = True,
    training_fraction: TrainingFraction = 1.0,
    velocity: Velocity = None,
    atlas: Explore = True,
    options: OptionsFile = None,
) -> None:
    """Train, evaluate, denoise, detect, pick and report: the main job.

    An interrupted run resumes when the same command is started again.

    Example: selfseis run archive --out results
    """

    def job() -> DetectResult:
        from selfseis import workflow
        from selfseis.workflow.options import RunOptions

        settings = settings_of(
            method, band, false_alarms_per_day, seed, picks=picks, training_fraction=training_fraction,
            velocity=velocity, explore=atlas, options=read_options(options, RunOptions),
        )  # fmt: skip
        source.check_outside(out)
        begin = time.perf_counter()
        recording = source.open()
        seconds = time.perf_counter() - begin
        return workflow.run(
            recording, out, settings, title=source.title, command_line=command_line(), opening_seconds=seconds,
            console=console_of(),
        )  # fmt: skip

    conclude(guarded(job))
