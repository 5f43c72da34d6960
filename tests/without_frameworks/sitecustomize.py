"""Refuses every framework, in the process of the tests and in all that it starts: this folder is on their PYTHONPATH.

The environment variable says which file to note the refused module in, so that a test that gets over the refusal fails
nevertheless. Without it frameworks are imported as ever.
"""

from __future__ import annotations

import os
import sys

NOTES = "LSTM_VERIFY_NO_FRAMEWORKS"
FRAMEWORKS = ("tensorflow", "keras", "tf_keras")


class Refusing:
    """Stands before all that finds modules."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        notes = os.environ.get(NOTES)
        if notes and name in FRAMEWORKS:
            with open(notes, "a") as file:
                file.write(f"{name} in {' '.join(sys.argv[:2])}\n")
            raise ImportError(f"a test that has not the mark `framework` imports {name}")


sys.meta_path.insert(0, Refusing())  # type: ignore[arg-type]
