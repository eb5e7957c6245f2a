"""Settings of the main job and of denoising and detection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from selfseis.errors import InputError
from selfseis.workflow.options import RunOptions

Method = Literal["auto", "ridge", "network"]


@dataclass(frozen=True)
class Settings:
    """Settings of a job.

    Attributes
    ----------
    method : {"auto", "ridge", "network"}
        Denoising method. *auto* trains the network if the channels lie on a line, and keeps the ridge filter
        if the network is not better.
    band : tuple of float or None
        Pass band in Hz.
    false_alarms_per_day : float
        Accepted number of false alarms of the detector per day. It does not apply to picks.
    seed : int
        Seed of all random numbers.
    picks : bool
        Whether `run` also trains a picker on a station network and builds a catalogue from its picks.
    training_fraction : float
        Share of the full training of the picker.
    velocity : Path or None
        File of a one-dimensional velocity model for locations; by default one is estimated.
    explore : bool
        Whether `run` also groups windows of the recording into classes and writes an atlas.
    blind_zone : int or None
        Half-width in channels of the blind zone of a fibre; by default measured.
    options : RunOptions
        Options of every task; a job of one task uses those of its own.

    Raises
    ------
    InputError
        If the false-alarm rate is not a number above 0.
    """

    method: Method = "auto"
    band: tuple[float, float] | None = None
    false_alarms_per_day: float = 1.0
    seed: int = 0
    picks: bool = True
    training_fraction: float = 1.0
    velocity: Path | None = None
    explore: bool = True
    blind_zone: int | None = None
    options: RunOptions = RunOptions()

    def __post_init__(self) -> None:
        if not 0 < self.false_alarms_per_day < float("inf"):
            raise InputError(
                f"false_alarms_per_day must be a number above 0, got {self.false_alarms_per_day:g}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings for JSON."""
        velocity = None if self.velocity is None else str(self.velocity)
        band = list(self.band) if self.band else None
        return {**vars(self), "band": band, "velocity": velocity, "options": self.options.to_dict()}
