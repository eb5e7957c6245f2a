"""Files of any kind: atomic writing, CSV tables with alias headers, the import of ObsPy."""

from __future__ import annotations

__all__: list[str] = []
