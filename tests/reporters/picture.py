"""Makes `docs/page.png`, the picture of a page that `--html` writes: `python -m tests.reporters.picture`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from lstm_verify import load, replay, verify
from lstm_verify.layers import Bidirectional
from lstm_verify.operations.activations import ActivationFunction
from tests.conftest import ROOT
from tests.reporters.browser import screenshot

TARGET = ROOT / "docs" / "page.png"
SIZE = (1200, 2080)


def main() -> None:
    """Verify a model against one whose forward layer computes hard_sigmoid, and take a picture of the report."""
    path = "fixtures/bidirectional_masked.keras3.keras"
    x = dict(np.load("fixtures/bidirectional_masked.x.npz"))
    model = load(path)
    both = model.layers["bidirectional"]
    assert isinstance(both, Bidirectional)
    cell = replace(both.forward_layer.cell, recurrent_activation=ActivationFunction.of("hard_sigmoid", slope=0.2))
    faulty = replace(both, forward_layer=replace(both.forward_layer, cell=cell))
    predicted = replay(model.with_child("bidirectional", faulty), x)
    report = verify(path, x, expected={name: values.astype("float32") for name, values in predicted.items()})
    screenshot(report.to_html(), *SIZE, False, TARGET)
    with Image.open(TARGET) as picture:
        picture.convert("RGB").quantize(64).save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
