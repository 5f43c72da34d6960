"""What the rounding budget costs: replay, and judging honest predictions by it, over the replay alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from replay_speed import CASES, Case, make
from tables import Table, at_most
from worker import Framework, Timed, Worker, _timed

COST_GOAL = 1.5
TITLE = "What the budget costs"


class Judged:
    """The replay and the judge, in a process without a framework."""

    def load(self, path: Path, x: Path, predicted: Path) -> None:
        """Load a model, an input and predictions; run both sides once to warm up."""
        import lstm_verify
        from lstm_verify.inputs import bind

        self.model = lstm_verify.load(path)
        self.inputs, _ = bind(self.model, np.load(x))
        self.predicted = {self.model.outputs[0].name: np.load(predicted)}
        self.replay()
        self.verify()

    def replay(self) -> Timed:
        """Replay in float64; returns the number of samples."""
        import lstm_verify

        return _timed(lambda: len(np.asarray(lstm_verify.replay(self.model, self.inputs))))

    def verify(self) -> Timed:
        """Replay in float64 and judge by 8σ; returns the verdict and for how many samples σ was computed."""
        from lstm_verify._replay import replay_rows
        from lstm_verify.inputs import count_samples
        from lstm_verify.judging.judge import judge, part_of_sigma
        from lstm_verify.judging.tolerance import Tolerance

        def whole() -> tuple[str, int]:
            part, tolerance = part_of_sigma(self.model, count_samples(self.inputs)), Tolerance()
            assert part is not None
            replayed = replay_rows(self.model, self.inputs, also=part.put)
            judgement = judge(self.model, self.inputs, self.predicted, replayed, tolerance, tolerance, part=part)
            return str(judgement.outputs[0].verdict), judgement.own_sigma

        return _timed(whole)


def measure(repeat: int) -> Table:
    """Time every case of the replay's benchmark `repeat` times on each side, in turn, and take the best of each."""
    with Worker(Framework) as framework, Worker(Judged) as judged, tempfile.TemporaryDirectory() as directory:
        rows = [_row(case, framework, judged, Path(directory), repeat) for case in CASES]
    text = (
        f"LSTM(units) and Dense(1), (batch, steps, features, units), predictions by Keras; warm, in turn, best of "
        f"{repeat}. A ratio is the time of replaying and judging by 8σ over that of replaying alone: {COST_GOAL:g} or "
        "less is the goal."
    )
    return Table(
        TITLE, text, ["case", "replay, s", "with the verdict, s", "ratio", "samples with a σ", "verdict"], rows
    )


def _row(case: Case, framework: Worker, judged: Worker, directory: Path, repeat: int) -> list[str]:
    model, x = make(case, framework, directory)
    framework.call("load", model, x)
    predicted = directory / "predicted.npy"
    np.save(predicted, framework.call("predict")[1])
    judged.call("load", model, x, predicted)
    runs = [(judged.call("replay"), judged.call("verify")) for _ in range(repeat)]
    replay, verify = (min(run[side][0] for run in runs) for side in range(2))
    verdict, own = runs[-1][1][1]
    return [str(case), f"{replay:.3f}", f"{verify:.3f}", at_most(verify / replay, COST_GOAL), str(own), verdict]
