"""A picker that needs no training, for tests of everything around the network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from selfseis.pick.calibration import Calibration
from selfseis.pick.false_discovery import FalseDiscovery, TargetsAndDecoys
from selfseis.pick.model import PickerModel
from selfseis.pick.picker import INJECTION_TEST, Picker
from selfseis.training import TrainingRecord
from selfseis.validation import Verdict

SHORT = 60  # samples
DECOYS = TargetsAndDecoys(np.full(100, 0.9), np.full(20, 0.5), min_height=0.02)


class RiseOfEnergy(nn.Module):
    """Stands in for a trained network: P where a short window is much louder than the one before it, never S."""

    def forward(self, windows: Tensor) -> Tensor:
        power = nn.functional.pad(windows.square().sum(dim=1, keepdim=True), (SHORT, SHORT), mode="reflect")
        mean = nn.functional.avg_pool1d(power, SHORT, 1)
        n_samples = windows.shape[-1]
        after, before = mean[..., SHORT + 1 : SHORT + 1 + n_samples], mean[..., :n_samples]
        logits = 6 * (torch.log10(after + 1e-12) - torch.log10(before + 1e-12)) - 5
        return torch.cat([logits, torch.full_like(logits, -9.0)], dim=1)


def picker_standing_in(rate: float, window: int = 1536) -> Picker:
    """Return a picker with everything that training would have left in it."""
    picker = Picker()
    picker.model_ = PickerModel(
        net=RiseOfEnergy(),
        rate=rate,
        window=window,
        calibration=Calibration.none(0.1),
        false_discovery=FalseDiscovery({"P": DECOYS, "S": DECOYS}, days=9.0),
        rounds=[],
        reliability={"P": [], "S": []},
        training_record=TrainingRecord(()),
        training_sites=[],
        verdict=Verdict.undecided("pick", "Never trained.", details={INJECTION_TEST: {}}),
    )
    return picker
