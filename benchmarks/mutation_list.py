"""How `mutations.py` breaks the package: a sign, an axis, a gate order, a rule for masks, an exit code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One way to break the package."""

    file: str
    """Below `lstm_verify`."""
    old: str
    """A text that the file has once."""
    new: str
    what: str
    """In words."""


MUTATIONS = [
    # cells
    Mutation(
        "layers/recurrent/lstm.py",
        "z_i, z_f, z_c, z_o = np.split",
        "z_i, z_c, z_f, z_o = np.split",
        "the gates f and c of an LSTM in the other order",
    ),
    Mutation(
        "layers/recurrent/lstm.py",
        "c = f * c + i * candidate",
        "c = f * c - i * candidate",
        "a sign in the cell state of an LSTM",
    ),
    Mutation("layers/recurrent/lstm.py", "h = o * g(c)", "h = o * c", "an LSTM whose output is not squashed"),
    Mutation(
        "layers/recurrent/fast_lstm.py",
        "i, f, c, o = np.split(joined(",
        "i, c, f, o = np.split(joined(",
        "gates in the other order in the fast LSTM",
    ),
    Mutation(
        "layers/recurrent/fast_lstm.py",
        "_cut(new_c, added.cell_clip)",
        "_cut(new_c, None)",
        "a cell state that is not clipped",
    ),
    Mutation(
        "layers/recurrent/fast_lstm.py",
        "[0, forget_bias, 0, 0]",
        "[forget_bias, 0, 0, 0]",
        "the forget bias added to the input gate",
    ),
    Mutation(
        "layers/recurrent/lstm_variants.py",
        "given(self.peephole_o, 0) * c)",
        "given(self.peephole_o, 0) * state[1])",
        "a peephole that sees the cell state before",
    ),
    Mutation(
        "layers/recurrent/lstm_variants.py",
        "i = 1 - f if self.coupled",
        "i = f if self.coupled",
        "a coupled gate that is not 1 minus the other",
    ),
    Mutation(
        "layers/recurrent/gru.py",
        "h = z * h + (1 - z) * candidate",
        "h = (1 - z) * h + z * candidate",
        "the update gate of a GRU inverted",
    ),
    Mutation(
        "layers/recurrent/gru.py",
        "candidate = g(x_h + r * h_h)",
        "candidate = g(r * (x_h + h_h))",
        "the reset gate of a GRU over both products",
    ),
    Mutation(
        "layers/recurrent/gru.py",
        "both = np.concatenate([b[: 2 * units] + b_h[: 2 * units],",
        "both = np.concatenate([b[: 2 * units],",
        "the recurrent bias of a GRU dropped",
    ),
    Mutation(
        "layers/recurrent/simple_rnn.py",
        "joined([self.recurrent_kernel, self.kernel], self.bias, dtype)",
        "joined([self.recurrent_kernel, self.kernel], None, dtype)",
        "the bias of a SimpleRNN dropped",
    ),
    Mutation(
        "layers/recurrent/conv_lstm.py",
        'z_h = convolution(h, self.recurrent_kernel, padding="same")',
        'z_h = convolution(h, self.recurrent_kernel[::-1], padding="same")',
        "the recurrent kernel of a ConvLSTM flipped",
    ),
    Mutation(
        "layers/recurrent/stacked_cells.py",
        "new.extend(states)",
        "new[:0] = states",
        "the states of stacked cells in the opposite order",
    ),
    # recurrent layers
    Mutation(
        "layers/recurrent/rnn.py",
        "output = np.where(keep, self.cell.output(new), before)",
        "output = self.cell.output(new)",
        "outputs of masked steps that are not held",
    ),
    Mutation(
        "layers/recurrent/rnn.py",
        "state = tuple(np.where(keep, n, s) for n, s in zip(new, state, strict=True))",
        "state = new",
        "states that masked steps change",
    ),
    Mutation(
        "layers/recurrent/rnn.py",
        "range(x.shape[1])[::-1] if self.go_backwards else range(x.shape[1])",
        "range(x.shape[1])",
        "go_backwards without effect",
    ),
    Mutation(
        "layers/recurrent/rnn.py",
        "        if self.stateful:\n            run.states[run.path]",
        "        if not self.stateful:\n            run.states[run.path]",
        "states of every layer kept, or of none",
    ),
    Mutation(
        "layers/recurrent/rnn.py",
        "carried = run.states.get(run.path) if self.stateful else None",
        "carried = None",
        "a stateful layer that forgets",
    ),
    Mutation(
        "layers/recurrent/rnn.py",
        "if len(inputs) == 1 or self.mask_with_initial_state else None",
        "if inputs else None",
        "the mask of Keras 3 kept beside an initial state",
    ),
    Mutation(
        "layers/recurrent/bidirectional.py",
        "np.flip(y_rev.value, axis=1) if self.return_sequences else y_rev.value",
        "y_rev.value",
        "backward outputs left in the order of processing",
    ),
    Mutation("layers/recurrent/bidirectional.py", "(y + y_rev) / 2", "y + y_rev", "merge mode ave without the half"),
    Mutation(
        "layers/time_distributed.py",
        "return np.asarray(given.any(axis=tuple(range(2, given.ndim))))",
        "return np.asarray(given.all(axis=tuple(range(2, given.ndim))))",
        "a mask of inner steps by all, not any",
    ),
    # other layers
    Mutation("layers/dense.py", "return g(x @ W + b)", "return g(x @ W)", "the bias of Dense dropped"),
    Mutation(
        "layers/embedding.py",
        "tokens != 0 if self.mask_zero",
        "tokens == 0 if self.mask_zero",
        "the mask of an Embedding inverted",
    ),
    Mutation("layers/masking.py", "mask = np.any(", "mask = np.all(", "Masking by all features, not any"),
    Mutation(
        "layers/masking.py",
        "Signal(x * mask[..., None], mask)",
        "Signal(x, mask)",
        "values of masked steps that are not set to 0",
    ),
    Mutation(
        "layers/batch_normalization.py",
        "np.sqrt(σ2 + self.epsilon)",
        "(np.sqrt(σ2) + self.epsilon)",
        "epsilon outside of the root",
    ),
    Mutation(
        "layers/layer_normalization.py",
        "/ np.sqrt(σ2 + self.epsilon) + β",
        "/ np.sqrt(σ2 + self.epsilon)",
        "beta of LayerNormalization dropped",
    ),
    Mutation(
        "layers/merge.py",
        "reduce(np.logical_and if self.masks_agree else np.logical_or, given)",
        "reduce(np.logical_or, given)",
        "masks of Keras 2 merged as in Keras 3",
    ),
    Mutation("layers/merge.py", "reduce(np.add, xs) / len(xs)", "reduce(np.add, xs)", "Average that is a sum"),
    Mutation(
        "layers/multi_head_attention.py", "(q * self._factor(q.shape[-1])) @ k", "q @ k", "attention that is not scaled"
    ),
    Mutation(
        "layers/softmax.py",
        "shares: Array = y * any_kept",
        "shares: Array = y",
        "shares where the mask hides everything",
    ),
    Mutation(
        "operations/activations.py",
        "return np.clip(slope * x + offset, 0, 1)",
        "return np.clip(slope * x + 0.8 * offset, 0, 1)",
        "hard_sigmoid through another point",
    ),
    Mutation(
        "operations/activations.py",
        '"softsign": lambda x: x / (1 + np.abs(x))',
        '"softsign": lambda x: x / (2 + np.abs(x))',
        "another softsign",
    ),
    # formats
    Mutation(
        "formats/keras/config.py",
        "        if left:\n",
        "        if left and not self.values:\n",
        "keys of a config that nobody uses are ignored",
    ),
    Mutation(
        "formats/keras/config.py",
        "if value not in accepted:",
        "if not accepted:",
        "values that are not supported are accepted",
    ),
    Mutation(
        "formats/keras/recurrent.py",
        'go_backwards=config.flag("go_backwards"),',
        'go_backwards=config.flag("go_backwards") and False,',
        "go_backwards read and dropped",
    ),
    Mutation(
        "formats/keras/recurrent.py",
        'reset_after=config.flag("reset_after", False)',
        'reset_after=config.flag("reset_after", True)',
        "a GRU of an old file taken for a new one",
    ),
    Mutation(
        "formats/keras/recurrent.py",
        '_output_for_mask"),\n        mask_with_initial_state=config.generation == 2',
        '_output_for_mask"),\n        mask_with_initial_state=True',
        "Keras 3 read as Keras 2, in what a mask is worth",
    ),
    Mutation(
        "formats/keras/recurrent.py",
        "lambda block: block.T)",
        "lambda block: block)",
        "recurrent kernels of CuDNN not transposed",
    ),
    Mutation(
        "formats/keras/activations.py",
        "{2: 1 / 5, 3: 1 / 6}",
        "{2: 1 / 6, 3: 1 / 5}",
        "the slopes of hard_sigmoid exchanged",
    ),
    Mutation(
        "formats/keras/store.py",
        'and "seed_generator" not in name and name not in used:',
        'and "seed_generator" not in name and not used:',
        "weights in the file that no layer takes are ignored",
    ),
    Mutation(
        "arrays.py",
        "np.load(file, allow_pickle=False) as archive",
        "np.load(file, allow_pickle=True) as archive",
        "arrays of Python objects unpickled",
    ),
    # inputs and replay
    Mutation("inputs.py", "if fitting:\n", "if len(fitting) > len(names):\n", "arrays of other names taken in order"),
    Mutation(
        "_replay.py",
        "for start in range(0, samples, size)]",
        "for start in range(0, max(1, samples - size), size)]",
        "the samples of the last block are not replayed",
    ),
    Mutation(
        "given_states.py",
        "if len(fitting) != len(free) or not free:",
        "if len(fitting) < len(free) or not free:",
        "states taken in order where there are more than fit",
    ),
    # judging
    Mutation(
        "judging/compare.py",
        "same = (p == r) | (np.isnan(p) & np.isnan(r))",
        "same = (p == r) | np.isnan(p) | np.isnan(r)",
        "a comparison that lets NaN pass",
    ),
    Mutation(
        "judging/compare.py",
        "finite = np.isfinite(p) & np.isfinite(r)",
        "finite = ~np.isnan(p) & ~np.isnan(r)",
        "infinite values compared as numbers",
    ),
    Mutation(
        "judging/compare.py",
        "if predicted.shape != replayed.shape:",
        "if len(predicted) != len(replayed):",
        "other shapes compared",
    ),
    Mutation(
        "judging/compare.py",
        "    if non_finite:\n        values",
        "    if non_finite > samples:\n        values",
        "NaN on both sides is a match",
    ),
    Mutation(
        "judging/compare.py",
        "    if unjudged:\n        values",
        "    if unjudged > samples:\n        values",
        "elements of which nothing is known are a match",
    ),
    Mutation(
        "judging/compare.py",
        "    if Verdict.MISMATCH in verdicts:",
        "    if verdicts == {Verdict.MISMATCH}:",
        "one output that does not match among others that do is inconclusive",
    ),
    Mutation(
        "judging/compare.py",
        '"deviations": deviation.max(axis=1)',
        '"deviations": deviation.mean(axis=1)',
        "the mean deviation in place of the largest",
    ),
    Mutation(
        "judging/tolerance.py",
        "return self.sigmas * sigma if",
        "return 100 * self.sigmas * sigma if",
        "a tolerance of 800 σ",
    ),
    Mutation(
        "judging/tolerance.py",
        "if self.recorded and self.by_rounding and",
        "if self.by_rounding and",
        "half precision of a running framework forgiven as if it were recorded so",
    ),
    Mutation(
        "judging/judge.py",
        "kept[samples] = np.maximum(kept[samples], rows)",
        "kept[...] = np.maximum(kept, rows.max())",
        "σ of one sample given to all",
    ),
    Mutation(
        "rounded/precision.py",
        'FLOAT32 = Precision("float32", 2.0**-24,',
        'FLOAT32 = Precision("float32", 2.0**-17,',
        "a unit roundoff of float32 that is 128 times too large",
    ),
    Mutation(
        "rounded/ufuncs.py",
        "np.square(1 - np.square(y)) * va",
        "np.square(1 + np.square(y)) * va",
        "a sign in what tanh does to an error",
    ),
    Mutation(
        "budget.py",
        "return (raised or by_sample)(model, away, sigma)",
        "return sigma",
        "errors that go together left out of σ",
    ),
    Mutation("report.py", "Verdict.INCONCLUSIVE: 3}", "Verdict.INCONCLUSIVE: 0}", "exit code 0 without a verdict"),
    Mutation(
        "report.py",
        "return 1 if self.verdict is Verdict.MATCH and failed",
        "return 0 if self.verdict is Verdict.MATCH and failed",
        "--fail-on-blind-spots without effect",
    ),
    Mutation("cli/verify.py", "sys.exit(report.exit_code)", "sys.exit(0)", "exit code 0 for a mismatch"),
    Mutation(
        "cli/shared.py",
        "write_failure(str(model), reason, results)\n        sys.exit(2)",
        "write_failure(str(model), reason, results)\n        sys.exit(1)",
        "an error with the exit code of a mismatch",
    ),
    # rollouts, runtimes, graphs, diagnosis
    Mutation(
        "rollouts/closed_loop.py",
        "np.concatenate([before[:, 1:], one_step], axis=1)",
        "np.concatenate([one_step, before[:, :-1]], axis=1)",
        "a window that slides the other way",
    ),
    Mutation(
        "rollouts/judge.py",
        "return sigma * np.sqrt(steps)",
        "return sigma * steps**2",
        "σ of a rollout that grows with the square of the steps",
    ),
    Mutation(
        "runtimes/process.py",
        "if self.outputs is None or self.error:",
        "if self.outputs is None and self.error:",
        "a framework that dies without a word",
    ),
    Mutation(
        "graph/lift/lstm.py",
        "return (first, second) if places[0] <= places[1]",
        "return (first, second) if places[0] > places[1]",
        "gates of a graph in the opposite order",
    ),
    Mutation(
        "faults/gate_order.py",
        "blocks[place] for place in order",
        "blocks[place] for place in sorted(order)",
        "a fault that changes nothing",
    ),
    Mutation(
        "diagnosis/explain.py",
        "if others and diagnosis.separating:",
        "if not others and diagnosis.separating:",
        "a diagnosis that does not say what would tell faults apart",
    ),
    Mutation(
        "graph/lift/masked_steps.py",
        "return bool(new & (taken",
        "return bool(set() & (taken",
        "outputs of masked steps that are not masked taken for masked ones",
    ),
    Mutation(
        "graph/lift/hoisted.py",
        'layer.options.get("axis") == 0',
        'layer.options.get("axis") == 1',
        "a product before a loop that is not put back",
    ),
    # values inside, outputs that are inputs, two files
    Mutation(
        "inner_values.py",
        "self.counts[place.layer] + watched",
        "watched",
        "a gate that is taken for an output of its layer",
    ),
    Mutation(
        "diagnosis/first_parting.py",
        "min(parting, key=lambda pair: pair[0])",
        "max(parting, key=lambda pair: pair[0])",
        "the last place where values part named as the first",
    ),
    Mutation(
        "judging/nothing_computed.py",
        "if len(handed) == len(model.outputs):",
        "if len(handed) > len(model.outputs):",
        "a match of which nothing was computed",
    ),
    Mutation(
        "run_arithmetic.py",
        "if not precision.is_narrow:",
        'if name == "float32":',
        "honest runs of ONNX Runtime in float64 that are a mismatch",
    ),
    Mutation(
        "cross/layouts.py", "CLEARLY = 0.25", "CLEARLY = 1.1", "other numbers in a square taken for a transposed one"
    ),
    Mutation(
        "cross/other_settings.py",
        "return PEEPHOLES if setting",
        "return () if setting",
        "peepholes of the second file that are told and not named",
    ),
]
