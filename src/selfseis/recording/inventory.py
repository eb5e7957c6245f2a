"""The StationXML of a recording, which stays with it: amplitudes need the response of their own time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from selfseis.io.obspy_import import obspy


def merge_inventories(inventories: Sequence[Any], preferred: Any = None) -> Any:
    """Return one inventory of several; None without any.

    Parameters
    ----------
    inventories : sequence of obspy.Inventory
        Such as one file per station, or one per epoch of a station.
    preferred : obspy.Inventory, optional
        Stations that it holds are taken from it alone.

    Returns
    -------
    obspy.Inventory or None
    """
    known = {f"{net.code}.{sta.code}" for net in preferred or [] for sta in net}
    networks = list(preferred or [])
    for network in (net for inventory in inventories for net in inventory):
        network = network.copy()
        network.stations = [sta for sta in network if f"{network.code}.{sta.code}" not in known]
        networks += [network] if network.stations else []
    if not networks:
        return None
    obspy()
    from obspy.core.inventory import Inventory

    return Inventory(networks, source="selfseis")


def inventory_of(recording: xr.DataArray) -> Any:
    """Return the ObsPy Inventory that a recording was opened with; None without one.

    Parameters
    ----------
    recording : xarray.DataArray
        Any recording, also a part of one.
    """
    return recording.encoding.get("inventory")


def set_inventory(recording: xr.DataArray, inventory: Any) -> None:
    """Attach an ObsPy Inventory to a recording; None does nothing."""
    if inventory is not None:
        recording.encoding["inventory"] = inventory
