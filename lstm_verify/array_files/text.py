"""Text, decoded: UTF-8, with or without a byte order mark."""

from __future__ import annotations

from lstm_verify.array_files.interface import Source
from lstm_verify.errors import InputError

UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def text_of(source: Source) -> str:
    """Return the content of a file with lines that end in a newline alone.

    Raises:
        InputError: it is empty, or no such text.
    """
    content = source.path.read_bytes()
    if content.startswith(UTF_16):
        raise InputError(f"{source}: text in UTF-16, expected UTF-8. Save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: no text, byte {error.start:,} is not UTF-8. {RAW_NUMBERS}") from None
    if "\0" in text:
        raise InputError(f"{source}: no text, byte {content.index(0):,} is 0. {RAW_NUMBERS}")
    if not text.strip():
        raise InputError(f"{source}: an empty file, expected numbers")
    return text.replace("\r\n", "\n").replace("\r", "\n")


RAW_NUMBERS = "Raw numbers need a dtype and a shape: FILE:float32:64x40x16"
