"""Tables: separators, aliases in any case, quoted and missing cells, headers in comments, units."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfseis.errors import InputError
from selfseis.geo.earth_models import VelocityModel1D
from selfseis.io import parse_table, read_columns, read_inventory, read_table
from selfseis.io.tables import find_columns, is_number, number_of, numbers, split_cells
from selfseis.quality_log import QualityLog

ALIASES = {"station": ("sta", "code"), "latitude": ("lat",)}
CELL = st.text(st.characters(codec="ascii", exclude_characters="\r\n\x00"), max_size=6).map(str.strip)


@pytest.mark.parametrize("separator", [",", ";", "\t", ", ", " "])
def test_the_separator_of_the_header_separates_the_cells(separator: str) -> None:
    table = parse_table([separator.join(row) for row in (("Code", "LAT"), ("A", "46.5"))], ALIASES)
    assert list(table.records()) == [{"station": "A", "latitude": "46.5"}]


def test_the_first_spelling_counts_and_unknown_columns_are_left_out() -> None:
    assert find_columns(["#code", "Sta", "height", '"Lat"'], ALIASES) == {"station": 1, "latitude": 3}
    assert find_columns(["Station Code"], {"code": ("station_code",)}) == {"code": 0}


def test_cells_may_be_missing_or_too_many() -> None:
    table = parse_table(["sta,lat", "A", "", "B,1,2"], ALIASES)
    assert list(table.records()) == [{"station": "A", "latitude": ""}, {"station": "B", "latitude": "1"}]
    assert table.rows == [["A"], ["B", "1", "2"]]


def test_no_lines_are_an_empty_table() -> None:
    for table in (parse_table([]), parse_table(["", "  "], ALIASES)):
        assert table.columns == {} and list(table.records()) == []


def test_a_file_is_read_with_its_own_names(tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_text('\ufeffclass,name\n0,"two\nlines, one cell"\n\n1\n', encoding="utf-8")
    assert list(read_table(path).records()) == [
        {"class": "0", "name": "two\nlines, one cell"},
        {"class": "1", "name": ""},
    ]
    with pytest.raises(OSError, match="nowhere"):
        read_table(tmp_path / "nowhere.csv")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="decode"):
        read_table(path)


@settings(max_examples=50, deadline=None)
@given(st.lists(CELL, min_size=1, max_size=5), st.sampled_from(",;\t|"))
def test_quoted_cells_are_read_back(cells: list[str], separator: str) -> None:
    line = separator.join('"' + cell.replace('"', '""') + '"' for cell in cells)
    assert split_cells(line, separator) == cells


@pytest.mark.parametrize(
    "text", ["lon,lat,e (mm)\n8,46,3\n", "# lon lat e[mm]\n8 46 3\n", "Longitude;Lat;E_mm\n8,0;46;3\n"]
)
def test_columns_have_units_and_headers_may_be_comments(tmp_path: Path, text: str) -> None:
    (tmp_path / "gnss.txt").write_text(text)
    table = read_columns(tmp_path / "gnss.txt", {"lon": ("longitude",), "lat": (), "e": ()}, ())
    assert [float(table.cells[name][0]) for name in ("lon", "lat", "e")] == [8, 46, 3]
    assert table.metres == {"e": 0.001}


GNSS = {"lon": ("x",), "lat": ("y",), "e": ("east",), "n": ("north",)}


@pytest.mark.parametrize(
    ("header", "units"),
    [
        ("# lon lat dE dN (mm)", {"e": "mm", "n": "mm", "lon": "mm", "lat": "mm"}),
        ("# lon lat dE (mm) dN (cm)", {"e": "mm", "n": "cm"}),
        ("# lon lat dE_m dN_m", {"e": "m", "n": "m"}),
    ],
)
def test_units_that_stand_alone_belong_to_a_column_or_to_all(
    tmp_path: Path, header: str, units: dict[str, str]
) -> None:
    (tmp_path / "g.txt").write_text(f"{header}\n8 46 1 2\n")
    table = read_columns(tmp_path / "g.txt", GNSS | {"e": ("de", "de_m"), "n": ("dn", "dn_m")}, ())
    assert (table.units, list(table.cells)) == (units, ["lon", "lat", "e", "n"])


def test_a_header_that_names_other_columns_than_there_are_is_refused(tmp_path: Path) -> None:
    for text in ("# lon lat east north up\n8 46 1 2\n", "lon,lat,e\n8,46,1,2\n9,46,1,2\n"):
        (tmp_path / "g.txt").write_text(text)
        with pytest.raises(InputError, match="correct the header"):
            read_columns(tmp_path / "g.txt", GNSS, ())


def test_rows_of_other_lengths_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("lon,lat,e,n\n8,46,1,2\n8,46,1\n8,46,1,2,3\n9,46,1,2,\n")
    quality_log = QualityLog()
    assert read_columns(tmp_path / "g.csv", GNSS, (), quality_log).cells["lon"] == ["8", "9"]
    assert [(one.kind, one.count) for one in quality_log.issues] == [("unusable_row", 2)]


def test_of_two_columns_with_one_meaning_the_first_spelling_counts(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("x,y,lon,lat,e,n\n500000,5100000,8,46,1,2\n")
    cells = read_columns(tmp_path / "g.csv", GNSS, ()).cells
    assert (cells["lon"], cells["lat"], cells["e"]) == (["8"], ["46"], ["1"])


@pytest.mark.parametrize("cell", ["1_000", "nan", "inf", "1e999", "0x10", "", "1,5", "٣", "1.2.3", "--1"])
def test_only_finite_numbers_in_plain_digits_are_numbers(cell: str) -> None:
    assert not is_number(cell)
    with pytest.raises(ValueError, match="finite number"):
        number_of(cell)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_back(value: float) -> None:
    assert number_of(repr(value)) == number_of(f" {value!r} ") == value
    read = numbers([repr(value)])[0]
    assert read == value if abs(value) < 1e100 else read != read
    assert number_of("1.5D-3") == 0.0015


@pytest.mark.parametrize("text", ["depth,vp\n2,6\n", "Z P\n2 6\n", "0 6\n", "depth_km,vp,depth\n2,6,9\n"])
def test_velocity_models_have_names_or_an_order(tmp_path: Path, text: str) -> None:
    first = 2.0 if text[0] in "dZ" else 0.0  # without names, depths begin at the surface
    (tmp_path / "model.txt").write_text(text)
    model = VelocityModel1D.from_file(tmp_path / "model.txt")
    assert (model.depth_km.tolist(), model.vp.tolist()) == ([first], [6.0])


def test_an_inventory_that_obspy_cannot_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stations.xml").write_text("nothing")
    with pytest.raises(InputError, match="give StationXML"):
        read_inventory(tmp_path / "stations.xml")
    with pytest.raises(InputError, match="does not exist"):
        read_inventory(str(tmp_path / "gone.xml"))
