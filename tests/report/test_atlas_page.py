"""The atlas as it is written: what it says in words, what it packs, and folders with parts missing."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfseis.report import write_atlas
from selfseis.report.atlas_payload import NO_DATA, atlas_payload, packed_array

from .atlas_folder import ABOUT, atlas_arrays, write_exploration


def unpacked(packed: dict[str, Any]) -> np.ndarray:
    data = zlib.decompress(base64.b64decode(packed["data"]))
    return np.frombuffer(data, packed["type"]).reshape(packed["shape"])


def payload_of(page: Path) -> dict[str, Any]:
    found = re.search(r'id="atlas-data">(.*?)</script>', page.read_text(), re.S)
    assert found
    return json.loads(found[1])


def test_arrays_survive_packing_whatever_their_byte_order() -> None:
    for values in (np.arange(6, dtype=">i4").reshape(2, 3), np.linspace(0, 1, 5, dtype=np.float32)):
        assert np.array_equal(unpacked(packed_array(values)), values)


def test_waveforms_keep_shape_peak_and_gaps() -> None:
    arrays = atlas_arrays()
    packed = atlas_payload(arrays)["arrays"]
    shown, peak = unpacked(packed["example_waveform"]), unpacked(packed["example_peak"])
    truth = arrays["example_waveform"]
    assert np.array_equal(shown == NO_DATA, np.isnan(truth))
    restored = np.where(shown == NO_DATA, np.nan, shown / 32767 * peak[..., None])
    np.testing.assert_allclose(restored, truth, atol=2e-4)


def test_times_are_seconds() -> None:
    arrays = atlas_arrays()
    start = unpacked(atlas_payload(arrays)["arrays"]["start"])
    assert np.array_equal(start, arrays["start_ns"] / 1e9)


def test_the_page_says_in_words_what_there_is(tmp_path: Path) -> None:
    text = write_atlas(write_exploration(tmp_path)).read_text()
    assert "They make 3 classes, of which 2 were found again in held-out windows; 10% of the windows" in text
    assert (
        "7 more have gaps" in text
        and "on the map are not evidence" in text
        and "kappa 0.60 (0.50 to 0.70)" in text
    )
    assert "http://" not in text and "https://" not in text


def test_names_of_the_user_reach_the_page_unharmed(tmp_path: Path) -> None:
    write_exploration(tmp_path)
    name = "</script><b>Nachtlärm</b>"
    (tmp_path / "class_names.json").write_text(json.dumps({"0": name}))
    page = write_atlas(tmp_path)
    assert payload_of(page)["names"] == {"0": name}
    assert "<b>Nacht" not in page.read_text()


@pytest.mark.parametrize(
    "missing", ["atlas.npz", "explore.json", "classes.csv", "novelty.csv", "multiplets.csv"]
)
def test_a_missing_file_leaves_out_its_part_only(tmp_path: Path, missing: str) -> None:
    write_exploration(tmp_path)
    (tmp_path / missing).unlink()
    text = write_atlas(tmp_path).read_text()
    assert "Exploration works" in text
    assert ("Repeating earthquakes" in text) == (missing != "multiplets.csv")


def test_a_fibre_has_channels_and_no_stations(tmp_path: Path) -> None:
    write_exploration(tmp_path)
    (tmp_path / "explore.json").write_text(json.dumps(ABOUT | {"geometry": "fibre"}))
    arrays = atlas_arrays() | {"station_names": np.array(["0m-30m", "32m-62m"])}
    np.savez_compressed(tmp_path / "atlas.npz", allow_pickle=False, **arrays)
    for name in ("novelty.csv", "multiplets.csv"):
        path = tmp_path / name
        path.write_text(path.read_text().replace("CX.PB01..HH?", "0m-30m"))
    page = write_atlas(tmp_path).read_text()
    text = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.S)
    assert "Neighbouring channels" in text and "Channels agree" in text
    assert "station" not in re.sub(r'(id|for)="station"', "", text).lower()


def test_what_was_asked_for_is_listed_with_its_likes(tmp_path: Path) -> None:
    write_exploration(tmp_path)
    assert "Similar windows" not in write_atlas(tmp_path).read_text()
    (tmp_path / "similar.csv").write_text(
        "rank,window,seed_id,start,end,distance,query_window,class,novelty\n"
        "0,7,CX.PB01..HH?,2016-03-21T00:33:36.000Z,2016-03-21T00:38:24.000Z,0.0,7,1,0.9\n"
        "1,9,CX.PB02..HH?,2016-03-21T00:43:12.000Z,2016-03-21T00:48:00.000Z,0.25,7,-1,0.5\n"
    )
    text = write_atlas(tmp_path).read_text()
    assert "query</td>" in text and 'data-window="9"' in text and "0.25" in text


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    write_exploration(tmp_path)
    (tmp_path / "atlas.npz").write_bytes(b"PK\x03\x04 broken")
    assert "<li>atlas.npz: " in write_atlas(tmp_path).read_text()


def test_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no results folder"):
        write_atlas(tmp_path / "nowhere")


def test_rounding_is_no_agreement(tmp_path: Path) -> None:
    write_exploration(tmp_path)
    choices = [{"setting": "one", "n_classes": 1, "kappa": 5.4e-15, "kappa_null": 0.341}]
    (tmp_path / "explore.json").write_text(json.dumps(ABOUT | {"choices": choices}))
    assert '<td class="n">0</td><td class="n">0.34</td>' in write_atlas(tmp_path).read_text()
