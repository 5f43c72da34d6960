"""ONNX files made by hand for what a file can be made of, and for how it can be damaged.

``refuse`` in the index says why a file is to be refused; all others have ``NAME.text.npz``.
"""

from __future__ import annotations

from tests.zoo.onnx import loops, shapes, storage
from tests.zoo.onnx.made import write
from tests.zoo.onnx.writing import Folder, main

ENTRIES = {**loops.ENTRIES, **shapes.ENTRIES, **storage.ENTRIES}


def build(folder: Folder) -> None:
    """Write all entries."""
    write(folder, ENTRIES)


if __name__ == "__main__":
    main(build)
