"""Zip archives that may be damaged."""

from __future__ import annotations

import struct
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, ValueError)
"""What `zipfile` raises for an archive that is not whole; RuntimeError also for a version that it does not know."""


def names_in(path: Path, magic: bytes) -> list[str]:
    """Return the names of an archive's members; none if the file is not a zip archive, or is damaged."""
    with suppress(*DAMAGED):
        if magic.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                return archive.namelist()
    return []
