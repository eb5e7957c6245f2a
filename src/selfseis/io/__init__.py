"""Files of any kind: atomic writing, tables with alias headers, the import of ObsPy."""

from __future__ import annotations

from selfseis.io.atomic import remove, replacing, sweep, write_json
from selfseis.io.obspy_import import obspy, read_inventory, read_stream
from selfseis.io.tables import Table, parse_table, read_columns, read_table, read_text

__all__ = [
    "Table",
    "obspy",
    "parse_table",
    "read_columns",
    "read_inventory",
    "read_stream",
    "read_table",
    "read_text",
    "remove",
    "replacing",
    "sweep",
    "write_json",
]
