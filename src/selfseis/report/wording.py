"""Numbers, times and verdicts as text, with significant digits."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from selfseis.report.results_folder import finite

VERDICT_WORDS = {"works": "Works", "no_gain": "No gain", "cannot_tell": "Cannot tell"}
TASK_NAMES = {"denoise": "Denoising", "detect": "Detection", "pick": "Picking", "explore": "Exploration"}
NOTHING_FOUND = {"explore": "no structure"}  # for tasks without a comparison
GEOMETRIES = {"fibre": "Fibre", "network": "Station network"}
MEANINGS = {
    "gap": "no data between two segments; left empty and masked",
    "overlap": "records that overlap in time",
    "duplicate": "records stored twice",
    "out_of_order": "records not in chronological order",
    "truncated": "file ends too early",
    "damaged": "contents that cannot be decoded",
    "header_mismatch": "header and data disagree",
    "dead": "constant or zero signal; masked",
    "clipped": "amplitude at the limit of the instrument; masked",
    "filled": "gap filled by a straight line; masked",
    "leap_second": "samples within a leap second; left out",
    "nan": "samples that are not numbers; masked",
    "wrong_rate": "different sampling rate; left out",
    "unreadable": "cannot be opened; left out",
    "wrong_geometry": "different fibre or channel spacing; left out",
    "conflict": "segments that overlap and disagree; masked",
    "not_waveforms": "no waveforms; left out",
    "shifted": "sample times moved to the common time axis",
    "offset": "large offset; subtracted",
    "far_in_time": "data years away from those of all other stations",
    "near_fault": "sites or pixels on or near the fault trace; masked",
    "impossible": "values that are physically impossible; left out",
    "unusable_row": "rows that cannot be read; left out",
    "duplicate_event": "events listed twice; merged",
    "several_origins": "rows of an event with another origin; taken as another event",
    "implausible": "result that does not fit others of its kind",
    "sign_turned": "scene whose sign contradicts GNSS; sign reversed",
    "downsampled": "averaged in areas of smooth displacement",
    "too_far": "too far from the fault to be informative; left out",
    "assumed": "value missing; assumed",
}
MINUS = "\N{MINUS SIGN}"
ABSENT = "\N{EN DASH}"
TIMES_TEN = "\N{MULTIPLICATION SIGN} 10"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def verdict_sentence(verdict: dict[str, Any]) -> str:
    """Return a verdict as one short sentence.

    Parameters
    ----------
    verdict : dict
        One entry of ``verdict.json``.

    Returns
    -------
    str
        For example "Detection brings no gain over STA/LTA."
    """
    task = task_name(verdict)
    outcome = verdict.get("verdict")
    if nothing := _nothing_found(verdict):
        return f"{task} finds {nothing} in these data."
    if outcome == "works":
        return f"{task} works on these data."
    if outcome == "no_gain":
        baseline = (verdict.get("baseline") or {}).get("name") or "baseline"
        return f"{task} brings no gain over the {baseline}."
    return f"{task}: these data cannot tell whether it works."


def verdict_word(verdict: dict[str, Any]) -> str:
    """Return a verdict as one or two words.

    Parameters
    ----------
    verdict : dict
        One entry of ``verdict.json``.

    Returns
    -------
    str
        For example "No gain"; "No structure" where exploration found none.
    """
    return _nothing_found(verdict).capitalize() or VERDICT_WORDS[str(verdict["verdict"])]


def _nothing_found(verdict: dict[str, Any]) -> str:
    """Return the name of a missing result if no skill could be compared; otherwise an empty string."""
    unmeasured = (verdict.get("skill") or {}).get("value") is None
    if verdict.get("verdict") != "no_gain" or not unmeasured:
        return ""
    return NOTHING_FOUND.get(str(verdict.get("task")), "")


def task_name(verdict: dict[str, Any]) -> str:
    """Return the name of a task as a noun.

    Parameters
    ----------
    verdict : dict
        One entry of ``verdict.json``.

    Returns
    -------
    str
        For example "Denoising".
    """
    task = str(verdict.get("task") or "this task")
    return TASK_NAMES.get(task, task[:1].upper() + task[1:])


def measured(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Write a value with the digits that its interval supports.

    Parameters
    ----------
    value : float or None
        The estimate.
    low, high : float or None
        Ends of its interval, where known.

    Returns
    -------
    str
        For example "0.62 (0.58 to 0.66)".
    """
    if value is None:
        return "not measured"
    if low is None or high is None:
        return number(value)
    width = high - low
    decimals = min(6, max(0, math.floor(1.5 - math.log10(width)))) if width > 0 else 3
    shown = [f"{round(end, decimals) + 0.0:.{decimals}f}".replace("-", MINUS) for end in (value, low, high)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with a few significant digits; powers of ten beyond 10⁻³ and 10⁵.

    Parameters
    ----------
    value : float or None
        The number.
    digits : int
        Significant digits.

    Returns
    -------
    str
        For example "2.4 × 10⁻⁷".
    """
    if value is None:
        return ABSENT
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{decimals}f}"
        return (
            (text.rstrip("0").rstrip(".") if "." in text else text)
            .replace("-", MINUS)
            .replace(",", "\N{NARROW NO-BREAK SPACE}")
        )
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = str(int(exponent)).translate(_SUPERSCRIPTS)
    return f"{mantissa} {TIMES_TEN}{power}".replace("-", MINUS)


def p_value(value: float | None) -> str:
    """Write a p-value as an equation.

    Parameters
    ----------
    value : float or None
        Probability of a score at least this high without an event.

    Returns
    -------
    str
        For example "p = 10⁻¹²".
    """
    if value is None:
        return "p not given"
    if value == 0:
        return "p < 10⁻¹⁵"
    return f"p = {number(value, 2)}".replace(f"= 1.0 {TIMES_TEN}", "= 10")


def moment(seconds: float | None, decimals: int = 1) -> str:
    """Write a time in UTC.

    Parameters
    ----------
    seconds : float or None
        Since 1970-01-01 UTC.
    decimals : int
        Of the second; at most 6.

    Returns
    -------
    str
        For example "2016-03-21 07:37:10.5".
    """
    if seconds is None:
        return "time not given"
    time = datetime.fromtimestamp(seconds, UTC)
    fraction = f".{time.microsecond:06d}"[: decimals + 1] if decimals else ""
    return f"{time:%Y-%m-%d %H:%M:%S}{fraction}"


def duration(seconds: float | None) -> str:
    """Write a length of time in the unit that suits it.

    Parameters
    ----------
    seconds : float or None
        Length of time.

    Returns
    -------
    str
        For example "2 min 5 s" or "12.5 days".
    """
    if seconds is None:
        return ABSENT
    if seconds < 59.95:
        return f"{number(seconds, 2 if seconds < 10 else 3)} s"
    if round(seconds) < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    if seconds < 48 * 3600:
        hours, minutes = divmod(round(seconds / 60), 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{number(seconds / 86400)} days"


def recording_line(recording: dict[str, Any]) -> str:
    """Describe the recording in one line.

    Parameters
    ----------
    recording : dict
        The entry ``recording`` of ``run.json``.

    Returns
    -------
    str
        For example "Fibre, 500 channels at 100 Hz, 50 s, 97% of the samples usable".
    """
    geometry = str(recording.get("geometry") or "")
    parts = [GEOMETRIES.get(geometry, geometry)] if geometry else []
    n_samples = finite(recording.get("n_samples"))
    n_channels, rate = finite(recording.get("n_channels")), finite(recording.get("sampling_rate"))
    if n_channels is not None:
        channels = f"{int(n_channels)} channel{'' if n_channels == 1 else 's'}"
        parts.append(channels + (f" at {number(rate, 4)} Hz" if rate else ""))
    if n_samples and rate:
        parts.append(duration(n_samples / rate))
    valid = finite(recording.get("valid_fraction"))
    if valid is not None:
        parts.append(f"{percent(valid)} of the samples usable")
    return ", ".join(parts)


def percent(fraction: float) -> str:
    """Write a fraction as a percentage that is 0 or 100 only where it is exact.

    Parameters
    ----------
    fraction : float
        Between 0 and 1.

    Returns
    -------
    str
        For example "97.2%".
    """
    if 0.9995 <= fraction < 1:
        return "more than 99.9%"
    if 0 < fraction < 0.0005:
        return "less than 0.1%"
    return f"{number(100 * fraction)}%"
