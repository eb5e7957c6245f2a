"""The page of all options: ``python docs/options.py`` writes docs/options.md from the classes of options."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from selfseis.compare.options import ComparisonOptions
from selfseis.foreign_networks.options import ObsPyOptions
from selfseis.options import Options
from selfseis.pick.options import StartingNetworkOptions
from selfseis.recording.options import PreprocessingOptions, QualityControlOptions, SpikeOptions
from selfseis.slip.options import SlipOptions
from selfseis.tomography.options import TomographyOptions
from selfseis.workflow.options import RunOptions

PAGE = Path(__file__).with_name("options.md")
HEAD = """# Options

Every number that decides a result is an option with a default, a unit and a source. *Judgement* means that the value
was not measured or taken from a paper. Most users change none of them; what depends on the data has an argument of its
own, such as `band` or `false_alarms_per_day`.

In Python, options are frozen dataclasses. This example runs as it stands, in some seconds:

```python
from selfseis import Detector
from selfseis.detect import DetectorOptions
from selfseis.simulate import simulate_noise_recording, simulate_recording_with_events

noise = simulate_noise_recording("white", "fibre", 1 / 60, 50.0, 24, seed=3)
recording, truth = simulate_recording_with_events(noise, 20.0, 1, seed=3)
options = DetectorOptions().with_options(threshold={"target_peaks": 100})
detector = Detector(false_alarms_per_day=10.0, options=options).fit(recording)
print(len(detector.events_), "event above", round(detector.threshold_, 1))
```

On the command line, `--options FILE` names a JSON file with the options to change. For `selfseis detect`:

```
{"threshold": {"target_peaks": 100}}
```

`selfseis run` takes the options of all tasks, a group per task: `{"detector": {"threshold": {...}}}`. The `options` of
a `run.json` have the form of its command, so that a run can be repeated. A model keeps the options of its training.

This page is written by `python docs/options.py`.
"""
SECTIONS: dict[str, tuple[type[Options], str]] = {
    "All tasks of a run": (RunOptions, "`selfseis run --options FILE`."),
    "Slip": (SlipOptions, "`SlipInversion(options=...)` and `selfseis slip --options FILE`."),
    "Tomography": (
        TomographyOptions,
        "`TravelTimeTomography(options=...)` and `selfseis tomography --options FILE`.",
    ),
    "Comparison of pickers": (
        ComparisonOptions,
        "`compare_pickers(comparison=...)` and `selfseis compare --options FILE`.",
    ),
    "ObsPy's pickers": (ObsPyOptions, "`--picker obspy:NAME?option=value`."),
    "Starting network": (StartingNetworkOptions, "`train_starting_network(options=...)`."),
    "Quality control": (QualityControlOptions, "`open_recording(..., quality_control=...)`."),
    "Spikes": (SpikeOptions, "`selfseis.recording.despike.bridge_spikes(..., options=...)`."),
    "Preprocessing": (
        PreprocessingOptions,
        "`selfseis.recording.preprocessing.Conditioner.measure(..., options=...)`.",
    ),
}


def page() -> str:
    """Return the page as Markdown."""
    parts = [HEAD]
    for title, (kind, use) in SECTIONS.items():
        parts += [f"## {title}\n", f"{_first_line(kind)} {use}\n", *_tables(kind)]
    return "\n".join(parts)


def _tables(kind: type[Options], prefix: str = "") -> Iterator[str]:
    """Yield a table of the options of a class, then the tables of its groups."""
    own = [row for row in kind.rows() if "." not in row.name]
    if own:
        yield "| option | default | unit | source |\n|---|---|---|---|"
        for row in own:
            yield f"| `{row.name}` | {_shown(row.default)} | {_escaped(row.unit)} | {_escaped(row.source)} |"
        yield ""
    for item in fields(kind):
        if not item.metadata:
            group: type[Options] = item.default_factory  # type: ignore[assignment]
            name = f"{prefix}{item.name}"
            yield f"### {name}\n\n{_first_line(group)}\n"
            yield from _tables(group, f"{name}.")


def _first_line(kind: type[Options]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _shown(value: Any) -> str:
    return f"`{json.dumps(value)}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
