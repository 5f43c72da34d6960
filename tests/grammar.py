"""Rules that every sentence of a report keeps, whatever it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator

NAMES = {
    *(
        "Keras",
        "TensorFlow",
        "Lite",
        "PyTorch",
        "ONNX",
        "Chainer",
        "Flax",
        "CoreML",
        "BlockLSTM",
        "BlockLSTMV2",
        "JAX",
        "MXNet",
    ),
    *("LSTM", "GRU", "SimpleRNN", "RNN", "Dense", "NaN", "Embedding", "BatchNormalization", "NVIDIA", "GPU", "GPUs"),
    *(
        "Lite",
        "Flatten",
        "TF32",
        "STRICT",
        "TPUs",
        "CNTK",
        "Theano",
        "Lasagne",
        "MIOpen",
        "DyNet",
        "Haiku",
        "OpenVINO",
        "True",
        "False",
        "DL4J",
        "Caffe",
        "TFLite",
        "Normalization",
        "X",
        "YAML",
        "JSON",
    ),
}
"""Words that have a capital wherever they are."""
CODE = re.compile(r"`[^`]*`")
OPTION = re.compile(r"--[a-z-]+( [\w.e+-]+)?")
RULES: dict[str, re.Pattern[str]] = {
    "an empty name": re.compile(r"``|''|\(\)|\[\](?!\w)"),
    "a doubled word": re.compile(r"\b([a-z]{2,}) \1\b", re.IGNORECASE),
    "a number that is none": re.compile(r"\b(inf|nan|None)\b|infσ|nanσ"),
    "two spaces": re.compile(r"\S  +\S"),
    "a space before a stop": re.compile(r"\s[,;:.](\s|$)"),
    "two stops": re.compile(r"[,;:.][,;:.](?!\.)"),
    "one of several": re.compile(r"\b1 (values|samples|rows|steps|places|changes|decimals|layers)\b"),
}


def faults_of(line: str) -> Iterator[str]:
    """What is wrong with a line of a report, whose sentences end with a full stop."""
    plain = CODE.sub("`x`", line)
    for what, rule in RULES.items():
        searched = line if what == "an empty name" else OPTION.sub("--x", plain)
        if found := rule.search(searched):
            yield f"{what}: {found.group()!r}"
    for sentence in re.split(r"(?<=[.:]) (?=[A-Z])", plain):
        yield from _capitals(sentence)
    if not line.endswith("."):
        yield "no full stop"


def _capitals(sentence: str) -> Iterator[str]:
    first, *rest = re.findall(r"`x`|[\w./]+", sentence)
    if first[0].islower() and "." not in first and "_" not in first and first not in ("keras",):
        yield f"no capital at the start: {first!r}"
    for word in rest:
        if word[0].isupper() and len(word) > 1 and word.rstrip(".") not in NAMES:
            yield f"a capital inside: {word!r}"


def faults_of_message(text: str) -> Iterator[str]:
    """What is wrong with a message: a clause after each colon, small at the start, and full sentences after a stop."""
    plain, text = CODE.sub("`x`", text), re.sub(r"\w\(\)", "x", text)
    for what, rule in RULES.items():
        searched = text if what == "an empty name" else OPTION.sub("--x", plain)
        if found := rule.search(searched):
            yield f"{what}: {found.group()!r}"
    if plain.endswith("."):
        yield "a full stop at the end of one line"
    first = re.match(r"[\w./]+", plain)
    if first and first.group()[0].isupper() and len(first.group()) > 1 and first.group() not in NAMES:
        yield f"a capital at the start: {first.group()!r}"
