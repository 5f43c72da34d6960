"""The interface of a runtime, and of the requests it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lstm_verify.arrays import Rows


@dataclass(frozen=True)
class Runtime:
    """A framework that predicts."""

    name: str
    title: str
    """Its name for people."""
    program: str
    """The module of `programs` that runs it."""
    module: str
    """The framework's module, which the program imports."""
    install: str
    """The command that installs it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What it must find in its environment."""
    batch_size: int | None = None
    """The samples that it predicts at a time unless told otherwise; None for all at once."""
    tells_layers: bool = False
    """Whether it can say what each layer computes."""
    casts_to_float32: bool = False
    """Whether its `predict` casts what it is given to float32 first, whatever the model computes in."""
    sigmoid_error: float = 0.0
    """The error of its sigmoid in float32 and float64, in units of u, that there is however small the result is; 0 if
    there is none of that kind."""
    optimizes: bool = False
    """Whether it rewrites a graph before it runs it, and can be told not to."""
    casts_in_rollouts: bool = False
    """Whether the call that a rollout makes does so too."""


@dataclass(frozen=True)
class Request:
    """A request to a runtime."""

    model: Path
    """A file, a directory, or what the names of several files begin with."""
    inputs: Mapping[str, Rows]
    """The inputs by name, (samples, ...); a graph may also take others, such as a number."""
    suffix: str = ""
    """What the framework wants at the end of the file's name, such as `.h5`; empty where any name will do."""
    batch_size: int | None = None
    """The samples to predict at a time; None leaves it to the runtime."""
    timeout: float = 600.0
    """Seconds until it is given up."""
    unsafe: bool = False
    """Let the framework run code from the file, such as Lambda layers."""
    call: Mapping[str, Any] = field(default_factory=dict)
    """How the model is to be called, in JSON: names of a signature, and of inputs and outputs by our names for them."""
    again: bool = False
    """Whether to predict the first samples once more, to see whether the framework agrees with itself."""
    taps: bool = False
    """Whether the outputs of all layers are wanted, instead of the model's."""
    rollout: Mapping[str, Any] | None = None
    """How its outputs become its next inputs, in JSON, if it is to be called step after step."""
    draws: Rows | None = None
    """The random numbers of a rollout that samples, (steps, samples)."""
    architecture: str | Path | None = None
    """The file with the config of the model, if the other is there for its weights only."""
