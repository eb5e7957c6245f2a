"""Files of any kind: atomic writing, CSV tables with alias headers, the import of ObsPy."""

from __future__ import annotations

from selfseis.io.atomic import remove, replacing, write_json
from selfseis.io.obspy_import import obspy, read_stream
from selfseis.io.tables import read_columns, read_text

__all__ = ["obspy", "read_columns", "read_stream", "read_text", "remove", "replacing", "write_json"]
