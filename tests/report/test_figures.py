"""What the page draws is what the files hold, within the stated precision."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from selfseis.report.waveform_payload import block_maxima, snippet_payload, timeline_payload

START = np.datetime64("2020-01-01T00:00:00", "ns")


def snippet(before: np.ndarray, after: np.ndarray | None = None, **coordinates: Any) -> xr.Dataset:
    variables = {"before": (("channel", "time"), before.astype(np.float32))}
    if after is not None:
        variables["after"] = (("channel", "time"), after.astype(np.float32))
    time = START + (np.arange(before.shape[1]) * 10_000_000).astype("timedelta64[ns]")
    labels = {name: ("channel", values) for name, values in coordinates.items()}
    return xr.Dataset(variables, {"time": time, **labels}, {"units": "m/s"})


def unpacked(payload: dict[str, Any], number: int = 0) -> np.ndarray:
    """Read a panel as the page's script does."""
    panel = payload["panels"][number]
    integer = "<i2" if panel["levels"] > 127 else "i1"
    roots = np.frombuffer(zlib.decompress(base64.b64decode(panel["data"])), integer).astype(float)
    values = roots * np.abs(roots) * panel["peak"] / panel["levels"] ** 2
    return np.where(roots < -panel["levels"], np.nan, values).reshape(payload["shape"])


@given(arrays.arrays(np.float32, (12, 30), elements=st.floats(-1e6, 1e6, width=32) | st.just(float("nan"))))
def test_waterfall_keeps_gaps_signs_and_amplitudes(before: np.ndarray) -> None:
    payload = snippet_payload(snippet(before, distance=np.arange(12.0)), 10_000)
    shown = unpacked(payload)
    assert payload["kind"] == "waterfall"
    assert np.array_equal(np.isnan(shown), np.isnan(before))
    present = ~np.isnan(before)
    if present.any():
        peak = np.abs(before[present]).max()
        bound = np.sqrt(np.abs(before[present]) * peak) / 127 + peak / 127**2
        assert np.all(np.abs(shown[present] - before[present]) <= bound + 1e-30)
    json.dumps(payload, allow_nan=False)


def test_wiggles_are_true_to_a_pixel_of_a_tall_figure() -> None:
    before = np.random.default_rng(0).standard_normal((3, 400))
    payload = snippet_payload(snippet(before, seed_id=["A", "B", "C"]), 10_000)
    assert payload["kind"] == "wiggles"
    assert np.allclose(unpacked(payload), before, atol=2e-4 * np.abs(before).max())


@pytest.mark.parametrize("value", [np.nan, 0.0, np.inf])
def test_one_channel_without_a_signal(value: float) -> None:
    payload = snippet_payload(snippet(np.full((1, 50), value), distance=[3.0]), 10_000)
    assert payload["clip"] == 1.0
    assert np.isnan(unpacked(payload)).all() == (value != 0)
    json.dumps(payload, allow_nan=False)


def test_removed_is_before_less_after() -> None:
    before = np.ones((20, 50))
    payload = snippet_payload(snippet(before, 0.25 * before, distance=np.arange(20.0)), 10_000)
    assert [panel["name"] for panel in payload["panels"]] == ["before", "after", "removed"]
    assert np.allclose(unpacked(payload, 2), 0.75)


def test_large_snippet_shrinks_and_keeps_time_distance_and_the_peak() -> None:
    before = np.random.default_rng(0).standard_normal((300, 4000))
    before[123, 2345] = -40
    payload = snippet_payload(snippet(before, distance=10.0 * np.arange(300)), 60_000)
    n_rows, n_columns = payload["shape"]
    per_row, per_column = payload["block"]
    assert n_rows * n_columns <= 60_000
    assert len(payload["rows"]) == n_rows
    assert payload["step"] == pytest.approx(0.01 * per_column)
    assert unpacked(payload)[123 // per_row, 2345 // per_column] == pytest.approx(-40)
    assert payload["rows"][1] - payload["rows"][0] == pytest.approx(10 * per_row)


@given(
    arrays.arrays(
        np.float32, arrays.array_shapes(min_dims=2, max_dims=2), elements=st.floats(-9, 9, width=32)
    ),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_blocks_keep_the_largest_amplitude(data: np.ndarray, per_row: int, per_column: int) -> None:
    shown = block_maxima(data, per_row, per_column)
    for row, column in np.ndindex(shown.shape):
        rows = slice(row * per_row, (row + 1) * per_row)
        block = data[rows, column * per_column : (column + 1) * per_column]
        assert abs(shown[row, column]) == np.abs(block).max()
        assert shown[row, column] in block


def test_snippet_without_before_is_refused() -> None:
    with pytest.raises(ValueError, match="before"):
        snippet_payload(snippet(np.ones((2, 5))).rename(before="other"), 100)


def test_long_timeline_keeps_every_peak_and_every_gap() -> None:
    n = 50_000
    score = np.ones(n)
    score[31_007] = 99.0
    score[10_000:20_000] = np.nan
    time = START + np.arange(n).astype("timedelta64[s]")
    payload = timeline_payload(xr.Dataset({"score": ("time", score)}, {"time": time}, {"threshold": 3.0}))
    values = payload["score"]["values"]
    assert len(values) <= 6000
    peak = values.index(99.0)
    assert payload["score"]["start"] + peak * payload["score"]["step"] == pytest.approx(
        START.astype("datetime64[s]").astype(int) + 31_007, abs=payload["score"]["step"]
    )
    assert sum(value is None for value in values) == pytest.approx(len(values) / 5, abs=2)


def test_coverage_keeps_the_share_of_data() -> None:
    coverage = np.ones((2, 4000))
    coverage[1, 1000:3000] = 0
    bins = START + np.arange(4000).astype("timedelta64[m]")
    dataset = xr.Dataset({"coverage": (("group", "bin"), coverage)}, {"group": ["A", "B"], "bin": bins})
    shown = timeline_payload(dataset)["coverage"]
    widths = np.diff(shown["edges"])
    assert shown["groups"] == ["A", "B"]
    assert widths.sum() == pytest.approx(4000 * 60)
    assert np.dot(shown["fractions"][1], widths) == pytest.approx(2000 * 60, rel=1e-3)
