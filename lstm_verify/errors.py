"""The error tree: what can go wrong, and the exit code it leads to.

    LstmVerifyError            exit 2
    ├── ModelFileError         the file cannot be read as a model: truncated, a missing dataset, a wrong shape
    ├── UnsupportedError       the file is a model, but uses something that is not replayed here
    ├── InputError             the input or the recorded predictions do not fit the model
    ├── OutputError            a result cannot be written where it was asked for
    ├── FrameworkError         the framework could not predict; the verdict is inconclusive (exit 3)
    └── MismatchError          raised by `Report.raise_for_mismatch` for any verdict but a match

Every message is one line: *where: what it is, what it should be. What to try.*
"""

from __future__ import annotations

import os

MISTAKES = (TypeError, AttributeError, AssertionError)
"""What nothing raises but a mistake of this package: what comes from outside is checked where it is read."""


def let_mistakes_through(error: Exception) -> None:
    """Reraise an error that is a bug of this package, if `LSTM_VERIFY_STRICT` is set.

    Where an error is caught so that no file, however strange, makes a command crash, a mistake would look like a
    damaged file. The tests set the variable, and see it.

    Example:
        >>> let_mistakes_through(ValueError("a shape that does not fit"))
        >>> os.environ["LSTM_VERIFY_STRICT"] = "1"
        >>> let_mistakes_through(TypeError("'NoneType' object is not iterable"))
        Traceback (most recent call last):
        TypeError: 'NoneType' object is not iterable
    """
    if os.environ.get("LSTM_VERIFY_STRICT") and isinstance(error, MISTAKES):
        raise error


def printable(text: object) -> str:
    """Escape everything but visible characters, line breaks included: a name in a file can contain anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in str(text))


class LstmVerifyError(Exception):
    """The base of every error this package raises on purpose; its message is one printable line."""

    def __init__(self, message: object) -> None:
        super().__init__(printable(" ".join(str(message).split())))


class ModelFileError(LstmVerifyError):
    """The file cannot be read as a model."""


class UnsupportedError(LstmVerifyError):
    """The model uses a layer, option or activation that cannot be replayed."""


class InputError(LstmVerifyError):
    """Inputs or recorded predictions do not fit the model."""


class OutputError(LstmVerifyError):
    """A result cannot be written."""


class FrameworkError(LstmVerifyError):
    """The framework did not predict: it died, timed out, or refused the file."""


class MismatchError(LstmVerifyError):
    """A verdict other than a match, raised by `Report.raise_for_mismatch`."""
