"""Networks by name: ``KIND:NAME?setting=value`` of the command line.

====================================  ==============================================================================
``seisbench:PhaseNet/original``       a model of SeisBench (extra ``seisbench``); also ``seisbench:PATH.pt``
``onnx:PATH.onnx``                    a network in an ONNX file (extra ``onnx``)
``obspy:recursive_sta_lta``           ObsPy's trigger
``obspy:ar_pick``                     ObsPy's picker
====================================  ==============================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from selfseis.errors import InputError
from selfseis.foreign_networks.picker_network import PickerNetwork

TABLE = "picks"  # kind of a table of picks, which is not a network
EXAMPLES = (
    "seisbench:PhaseNet/original, onnx:PATH.onnx, obspy:ar_pick, obspy:recursive_sta_lta or picks:TABLE.csv"
)
PICKLED = (
    "{} cannot be loaded safely: files of torch.export can contain pickled Python objects, which run code when they "
    "are loaded. Convert it where you trust it: torch.onnx.export(torch.export.load(FILE), args, 'FILE.onnx'), and "
    "give onnx:FILE.onnx"
)


@dataclass(frozen=True)
class PickerName:
    """A picker as the user names it.

    Attributes
    ----------
    kind : str
        ``seisbench``, ``onnx``, ``obspy`` or ``picks``.
    name : str
        What the kind understands, such as a path.
    settings : dict of str to str
        Settings after the question mark.
    as_if : bool
        Whether samples are passed on unresampled, as if they were at the rate of the network.
    """

    kind: str
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    as_if: bool = False

    @classmethod
    def parse(cls, text: str) -> PickerName:
        """Return the parts of ``KIND:NAME?setting=value&setting=value``.

        Raises
        ------
        InputError
            If the kind is unknown, the name is missing, or the kind has no settings.

        Examples
        --------
        >>> from selfseis.foreign_networks.picker_registry import PickerName
        >>> PickerName.parse("onnx:net.onnx?rate=100&as_if=1")
        PickerName(kind='onnx', name='net.onnx', settings={'rate': '100'}, as_if=True)
        """
        kind, _, rest = text.partition(":")
        if kind == "exported" and rest:
            raise InputError(PICKLED.format(rest))
        # A question mark belongs to a path unless settings follow it.
        found = re.fullmatch(r"(.*?)\?(\w+=[^&=]*(?:&\w+=[^&=]*)*)", rest)
        name, query = (found[1], found[2]) if found else (rest, "")
        if kind not in (*NETWORKS, TABLE) or not name:
            raise InputError(f"picker must be one of {EXAMPLES}, got {text}")
        settings = dict(part.split("=", 1) for part in query.split("&") if part)
        as_if = settings.pop("as_if", "0")
        if as_if not in ("0", "1"):
            raise InputError(f"as_if of {text} must be 0 or 1, got {as_if}")
        if settings and kind not in ("onnx", "obspy"):
            raise InputError(f"{kind}:{name} has no setting {', '.join(settings)}: leave it out")
        return cls(kind, name, settings, as_if == "1")


def network_of(text: str, rate: float) -> PickerNetwork:
    """Return the network that a text names, for recordings of a sampling rate.

    Parameters
    ----------
    text : str
        ``KIND:NAME``, optionally with settings: ``?as_if=1`` passes samples on unresampled, as if they were at the
        rate of the network.
    rate : float
        Sampling rate in Hz of the recordings. A network of another rate sees resampled windows.

    Returns
    -------
    PickerNetwork
        For `selfseis.Picker.calibrate`.

    Raises
    ------
    InputError
        If the kind is unknown, or the network cannot be loaded or used.

    Examples
    --------
    >>> from selfseis.foreign_networks.picker_registry import network_of
    >>> network_of("obspy:recursive_sta_lta", rate=100.0).n_samples
    6000
    """
    picker = PickerName.parse(text)
    if picker.kind == TABLE:
        raise InputError(f"{text} is a table of picks, not a network: give one of the other kinds")
    return NETWORKS[picker.kind](picker, rate).for_rate(rate, as_if=picker.as_if)


def _seisbench(picker: PickerName, rate: float) -> PickerNetwork:
    from selfseis.foreign_networks.seisbench_network import seisbench_network

    return seisbench_network(picker.name)


def _onnx(picker: PickerName, rate: float) -> PickerNetwork:
    from selfseis.foreign_networks.onnx_network import onnx_network

    return onnx_network(picker.name, picker.settings)


def _obspy(picker: PickerName, rate: float) -> PickerNetwork:
    from selfseis.foreign_networks.obspy_pickers import obspy_network

    return obspy_network(picker.name, rate, picker.settings)


NETWORKS: dict[str, Callable[[PickerName, float], PickerNetwork]] = {
    "seisbench": _seisbench,
    "onnx": _onnx,
    "obspy": _obspy,
}
