"""Our picker as a model of SeisBench: a ``WaveformModel`` with ``annotate`` and ``classify``.

Importing this module imports SeisBench (extra ``seisbench``), whose licence is GPL. Nothing else in selfseis imports
it, except to read back a model folder that `selfseis.pick.export.export_seisbench` wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import seisbench.models  # type: ignore[import-not-found, unused-ignore]
import seisbench.util  # type: ignore[import-not-found, unused-ignore]
import torch
from torch import Tensor

from selfseis.foreign_networks.exported_network import ExportedNetwork
from selfseis.networks.picking_unet import OnsetNet


class OnsetPicker(seisbench.models.WaveformModel):  # type: ignore[misc, unused-ignore]
    """The picker's network as a model of SeisBench.

    SeisBench averages overlapping windows with equal weights, the picker with weights that fall towards their edges:
    probabilities differ there.

    Parameters
    ----------
    sampling_rate : float
        Sampling rate in Hz of the training data; SeisBench resamples to it.
    in_samples : int
        Length of a window in samples.
    reductions : sequence of int
        Factors by which the rate of a window is reduced; the probabilities at all of them are averaged.
    filter_args, filter_kwargs : sequence, dict
        Arguments of ObsPy's ``Stream.filter``, which precedes the network.
    **kwargs : Any
        Further arguments of ``WaveformModel``.

    Examples
    --------
    >>> from selfseis.foreign_networks.seisbench_model import OnsetPicker  # doctest: +SKIP
    >>> model = OnsetPicker.load("for-seisbench/selfseis", version_str="1")  # doctest: +SKIP
    >>> model.classify(stream).picks  # doctest: +SKIP
    """

    _annotate_args = {  # noqa: RUF012 - SeisBench reads this attribute of the class
        **seisbench.models.WaveformModel._annotate_args,
        "*_threshold": ("Detection threshold for the provided phase", 0.3),
        "blinding": ("Number of samples to discard on each side of each window", (0, 0)),
        "overlap": ("Overlap between windows in samples, or as a fraction of a window", 0.5),
    }

    def __init__(
        self,
        sampling_rate: float = 100.0,
        in_samples: int = 6144,
        reductions: Sequence[int] = (1,),
        filter_args: Any = None,
        filter_kwargs: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            citation="selfseis",
            component_order="ENZ",
            sampling_rate=sampling_rate,
            in_samples=in_samples,
            output_type="array",
            pred_sample=(0, in_samples),
            labels=["P", "S"],
            filter_args=filter_args,
            filter_kwargs=filter_kwargs,
            **kwargs,
        )
        self.reductions = list(reductions)
        self.network = ExportedNetwork(OnsetNet(), in_samples, self.reductions)

    def forward(self, x: Tensor) -> Tensor:
        """Return probabilities of P and S, shape (n_windows, 2, in_samples)."""
        probability: Tensor = self.network(x)
        return probability

    def annotate_batch_pre(self, batch: Tensor, argdict: dict[str, Any]) -> Tensor:
        """Return windows as they are: the network normalises them itself."""
        return batch

    def annotate_batch_post(self, batch: Tensor, piggyback: Any, argdict: dict[str, Any]) -> Tensor:
        """Return probabilities in the order of SeisBench, shape (n_windows, in_samples, 2)."""
        arranged = batch.transpose(-1, -2).clone()
        before, after = argdict.get("blinding", self._annotate_args["blinding"][1])
        arranged[:, :before] = torch.nan
        arranged[:, arranged.shape[1] - after :] = torch.nan
        return arranged

    def classify_aggregate(self, annotations: Any, argdict: dict[str, Any]) -> Any:
        """Return the picks above the thresholds, as PhaseNet of SeisBench does."""
        picks = seisbench.util.PickList()
        for phase in self.labels:
            threshold = argdict.get(f"{phase}_threshold", self._annotate_args["*_threshold"][1])
            of_phase = annotations.select(channel=f"{type(self).__name__}_{phase}")
            picks += self.picks_from_annotations(of_phase, threshold, phase)
        return seisbench.util.ClassifyOutput(self.name, picks=seisbench.util.PickList(sorted(picks)))

    def get_model_args(self) -> dict[str, Any]:
        """Return the arguments of the constructor, for SeisBench's ``save``."""
        names = ("sampling_rate", "in_samples", "reductions", "filter_args", "filter_kwargs")
        return {name: getattr(self, name) for name in names}
