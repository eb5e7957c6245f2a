"""Sensors of a list of channel codes: the one place that decides which channels are components of one instrument.

Channels of one network and station belong to one sensor if they share the location code and all of the channel code
but its component: ``HHE HHN HHZ``, ``HE HN HZ``, ``E N Z``, ``EW NS UD`` (K-NET), ``EW1 NS1 UD1`` beside
``EW2 NS2 UD2`` (KiK-net: borehole and surface). Some networks give each component its own location code; such
channels are joined when the codes leave no other reading, and the sensor's note says so.

References
----------
SEED manual 2.4, appendix A (channel naming): band, instrument and orientation codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# SEED component codes by axis; a horizontal that is not aligned to north and east is assigned to one of them.
EAST, NORTH, VERTICAL = "E2TXR", "N1RY", "Z3V"
_WORDS = {
    "EW": "E", "NS": "N", "UD": "Z", "E-W": "E", "N-S": "N", "U-D": "Z", "EAST": "E", "NORTH": "N",
    "VERT": "Z", "VERTICAL": "Z", "UP": "Z", "HYD": "H", "PRES": "H",
}  # fmt: skip
_PRESSURE_INSTRUMENT = "D"
_TRIPLETS = ("ENZ", "ENU", "12Z", "123", "XYZ", "RTZ", "UVW", "LTV")


class ChannelCode(NamedTuple):
    """A channel code in three parts: ``HHZ`` is component ``Z`` of ``HH``, ``EW2`` component ``E`` of sensor 2."""

    stem: str
    component: str
    suffix: str = ""

    @property
    def is_pressure(self) -> bool:
        """Whether the channel is a hydrophone or a barometer: instrument code D, or a component named so."""
        return self.component == "H" or (len(self.stem) == 2 and self.stem[1] == _PRESSURE_INSTRUMENT)


@dataclass(frozen=True)
class Sensor:
    """Channels of one instrument.

    Attributes
    ----------
    code : str
        "NET.STA.LOC"; the first location code if each component has its own.
    stem : str
        What the channel codes share: "HH", "H" or nothing.
    rows : dict of str to int
        Place of each component in the list of channels.
    is_pressure : bool
        Whether it is a hydrophone or a barometer, which has no orientation.
    note : str
        An assumption of the grouping, as a sentence; "" without one.
    """

    code: str
    stem: str
    rows: dict[str, int]
    is_pressure: bool = False
    note: str = ""

    @property
    def axes(self) -> tuple[int | None, int | None, int | None]:
        """Rows of east, north and vertical; None for a missing component.

        Components of unknown orientation replace missing ones, the vertical first, in their order. A single component
        of any orientation takes the place of the vertical.
        """
        rows = dict(self.rows)
        if self.is_galperin:
            in_order = [rows[letter] for letter in "UVW" if letter in rows]
            vertical, north, east = (*in_order, None, None)[:3]
            return east, north, vertical
        if "U" in rows and not {"Z", "3"} & set(rows):
            rows["Z"] = rows.pop("U")  # Hi-net: E, N, U
        return _axes(rows)

    @property
    def is_galperin(self) -> bool:
        """Whether the components are the three equal, inclined ones of a Galperin sensor: U, V and W."""
        return _is_galperin(set(self.rows))


def parse_channel(channel: str) -> ChannelCode:
    """Return the component of a channel code, and what it shares with the other components of its sensor.

    A code of several digits only is the number of a channel and no component.

    Parameters
    ----------
    channel : str
        Such as "HHZ", "EW1", "N", "S Z" or "B_H_Z", in any case.

    Examples
    --------
    >>> from selfseis.recording.sensors import parse_channel
    >>> parse_channel("HHZ")[:2], parse_channel("UD2")
    (('HH', 'Z'), ChannelCode(stem='', component='Z', suffix='2'))
    """
    code = "".join(channel.upper().replace("_", " ").split())
    if len(code) > 1 and code.isdigit():
        return ChannelCode(code, "")
    bare = code.rstrip("0123456789")
    if bare in _WORDS:
        return ChannelCode("", _WORDS[bare], code[len(bare) :])
    return ChannelCode(code[:-1], code[-1:])


def group_sensors(seed_ids: Sequence[str]) -> list[Sensor]:
    """Group channels into sensors.

    Parameters
    ----------
    seed_ids : sequence of str
        "NET.STA.LOC.CHA" of each channel.

    Returns
    -------
    list of Sensor
        In the order of their first channels. Each channel belongs to exactly one sensor.

    Examples
    --------
    >>> from selfseis.recording.sensors import group_sensors
    >>> [(s.code, s.axes) for s in group_sensors(["XX.A..EW", "XX.A..NS", "XX.A..UD", "XX.B..HHZ"])]
    [('XX.A.', (0, 1, 2)), ('XX.B.', (None, None, 3))]
    """
    sites: dict[str, list[int]] = {}
    for row, seed_id in enumerate(seed_ids):
        sites.setdefault(".".join(seed_id.split(".")[:2]), []).append(row)
    sensors = [
        sensor for rows in sites.values() for sensor in _joined(_numbered(_sensors_at(seed_ids, rows)))
    ]
    return sorted(sensors, key=lambda sensor: min(sensor.rows.values()))


def station_names(seed_ids: Sequence[str]) -> list[str]:
    """Return "NET.STA.LOC" of each channel, with one location code for all channels of a sensor.

    Parameters
    ----------
    seed_ids : sequence of str
        "NET.STA.LOC.CHA" of each channel.

    Examples
    --------
    >>> from selfseis.recording.sensors import station_names
    >>> station_names(["NP.8043.37.HNZ", "NP.8043.38.HNN", "NP.8043.39.HNE", "NP.8044.00.HNZ"])
    ['NP.8043.37', 'NP.8043.37', 'NP.8043.37', 'NP.8044.00']
    """
    names = [""] * len(seed_ids)
    for sensor in group_sensors(seed_ids):
        for row in sensor.rows.values():
            names[row] = sensor.code
    return names


def describe_sensors(seed_ids: Sequence[str]) -> list[str]:
    """Return one line per sensor: its code, its channels as east, north and vertical, and its note.

    Parameters
    ----------
    seed_ids : sequence of str
        "NET.STA.LOC.CHA" of each channel.

    Examples
    --------
    >>> from selfseis.recording.sensors import describe_sensors
    >>> describe_sensors(["XX.A..HH1", "XX.A..HH2", "XX.A..HHZ", "XX.A..HDH"])
    ['XX.A.: east HH2, north HH1, vertical HHZ', 'XX.A.: HDH (pressure, which has no component)']
    """
    return [_description(sensor, seed_ids) for sensor in group_sensors(seed_ids)]


def _description(sensor: Sensor, seed_ids: Sequence[str]) -> str:
    def channel(row: int) -> str:
        parts = seed_ids[row].split(".")
        return parts[-1] if parts[:-1] == sensor.code.split(".") else ".".join(parts[2:])

    if len(sensor.rows) == 1 or sensor.is_galperin:
        shown = ", ".join(channel(row) for row in sensor.rows.values())
    else:
        axes = zip(("east", "north", "vertical"), sensor.axes, strict=True)
        shown = ", ".join(f"{axis} {channel(row)}" for axis, row in axes if row is not None)
    return f"{sensor.code}: {shown}" + (f" ({sensor.note})" if sensor.note else "")


def _sensors_at(seed_ids: Sequence[str], rows: Iterable[int]) -> list[Sensor]:
    """Sensors of one site by location code and stem; a component that occurs again begins another sensor."""
    found: dict[tuple[str, str, str], list[dict[str, int]]] = {}
    for row in rows:
        code, _, channel = seed_ids[row].rpartition(".")
        parsed = parse_channel(channel)
        alike = found.setdefault((code, parsed.stem, parsed.suffix), [{}])
        if parsed.component in alike[-1]:
            alike.append({})
        alike[-1][parsed.component] = row
    return [
        sensor
        for (code, stem, suffix), alike in found.items()
        for components in alike
        for sensor in _instruments(code, stem + suffix, components)
    ]


def _instruments(code: str, stem: str, rows: dict[str, int]) -> Iterator[Sensor]:
    """Take apart channels of one stem that are not the components of one instrument."""
    of_pressure = {letter: row for letter, row in rows.items() if ChannelCode(stem, letter).is_pressure}
    for letter, row in of_pressure.items():
        yield Sensor(code, stem, {letter: row}, True, "pressure, which has no component")
    rest = {letter: row for letter, row in rows.items() if letter not in of_pressure}
    while len(rest) > 3:  # renamed components, or several triplets under one stem
        letters = max(_TRIPLETS, key=lambda triplet: sum(letter in rest for letter in triplet))
        own = {letter: row for letter, row in rest.items() if letter in letters} or dict(
            list(rest.items())[:3]
        )
        note = f"{', '.join(rest)} are too many components: taken apart"
        rest = {letter: row for letter, row in rest.items() if letter not in own}
        yield Sensor(code, stem, own, note=note)
    if rest:
        yield Sensor(code, stem, rest, note=_orientation_note(set(rest)))


def _orientation_note(letters: set[str]) -> str:
    if _is_galperin(letters):
        return "U, V, W are inclined components: their orientation is unknown"
    if len(letters) > 1 and (unknown := sorted(letters - set(EAST + NORTH + VERTICAL + "U"))):
        return f"the orientation of {', '.join(unknown)} is unknown"
    return ""


def _is_galperin(letters: set[str]) -> bool:
    return len(letters & set("UVW")) > 1


def _numbered(sensors: list[Sensor]) -> list[Sensor]:
    """Take three numbered channels of a station as its components; more of them are single sensors, as of a cable."""
    numbered = [sensor for sensor in sensors if sensor.stem.isdigit() and "" in sensor.rows]
    if len(numbered) != 3 or len({sensor.code for sensor in numbered}) > 1:
        return sensors
    in_order = sorted(numbered, key=lambda sensor: sensor.stem)
    rows = {str(number): sensor.rows[""] for number, sensor in enumerate(in_order, start=1)}
    note = "numbered channels are taken as the components 1, 2 and 3"
    together = Sensor(in_order[0].code, "", rows, note=note)
    return [sensor for sensor in sensors if sensor not in numbered] + [together]


def _joined(sensors: list[Sensor]) -> list[Sensor]:
    """Join single components of one stem under different location codes, if they fill one triplet after the other."""
    single: dict[str, list[Sensor]] = {}
    for sensor in sensors:
        if not sensor.is_pressure and len(sensor.rows) == 1 and "" not in sensor.rows:
            single.setdefault(sensor.stem, []).append(sensor)
    for alike in single.values():
        if triplets := _triplets(sorted(alike, key=lambda sensor: sensor.code)):
            sensors = [sensor for sensor in sensors if sensor not in alike] + triplets
    return sensors


def _triplets(alike: list[Sensor]) -> list[Sensor]:
    """Return the sensors of single components in the order of location codes; none if these are not whole triplets."""
    size = min(3, len(alike))
    if size < 2 or len(alike) % size or len({sensor.code for sensor in alike}) < len(alike):
        return []
    found = []
    for first in range(0, len(alike), size):
        part = alike[first : first + size]
        rows = {letter: row for sensor in part for letter, row in sensor.rows.items()}
        if len(rows) < size or not set(rows) <= set(EAST + NORTH + VERTICAL):
            return []
        locations = ", ".join(sensor.code.rpartition(".")[2] for sensor in part)
        note = f"the location codes {locations} are taken as those of its components"
        found.append(Sensor(part[0].code, part[0].stem, rows, note=note))
    return found


def _axes(rows: dict[str, int]) -> tuple[int | None, int | None, int | None]:
    north = _first(NORTH, rows)
    east = _first(EAST, {letter: row for letter, row in rows.items() if row != north})
    vertical = _first(VERTICAL, rows)
    unknown = sorted(set(rows.values()) - {north, east, vertical})
    if vertical is None and None in (east, north):
        if not unknown:
            return None, None, next(iter(rows.values()))
        vertical = unknown.pop(0)
    if north is None and unknown:
        north = unknown.pop(0)
    if east is None and unknown:
        east = unknown.pop(0)
    return east, north, vertical


def _first(letters: str, rows: dict[str, int]) -> int | None:
    return next((rows[letter] for letter in letters if letter in rows), None)
