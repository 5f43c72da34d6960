"""The models that PyTorch exports: a row of the table each.

What PyTorch's own layers lack (a GRU that resets before the product, hard sigmoid or relu gates) is a cell by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from tests.zoo.entry import Array, normal, padded_signal, padded_words

X = normal(5, 7, 3)
LENGTHS = (7, 6, 4, 2, 1)
Gate = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class TorchModel:
    """One model and its inputs by name, in the order of its `forward`."""

    make: Callable[[], nn.Module]
    inputs: Mapping[str, Array]
    free: Mapping[str, tuple[str, ...]]
    """The names of the free axes of each input, from the first axis on."""
    longer: Mapping[str, Array] = field(default_factory=dict)
    """Longer inputs, where any length is claimed."""


class Recurrent(nn.Module):
    """A recurrent layer, batch first, and a linear one on its last step or on all."""

    def __init__(self, kind: str, last: bool = True, units: int = 4, outputs: int = 2, **options: Any) -> None:
        super().__init__()
        self.rnn = getattr(nn, kind)(3, units, batch_first=True, **options)
        self.dense = nn.Linear(units * (2 if options.get("bidirectional") else 1), outputs)
        self.last = last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.rnn(x)[0]
        return self.dense(y[:, -1] if self.last else y)


class TimeMajor(nn.Module):
    """A recurrent layer that takes time first."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.rnn(x)[0]
        return y


class Projected(nn.Module):
    """An LSTM with a projection, which ONNX does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(3, 4, batch_first=True, proj_size=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.rnn(x)[0]
        return y


class States(nn.Module):
    """An LSTM with its states as inputs and outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.dense = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor, h0: torch.Tensor, c0: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y, (h, c) = self.rnn(x, (h0, c0))
        return self.dense(y), h, c


class Seq2Seq(nn.Module):
    """A decoder that starts from the states of an encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.LSTM(3, 4, batch_first=True), nn.LSTM(2, 4, batch_first=True)
        self.dense = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        y, _ = self.decoder(target, self.encoder(x)[1])
        return torch.log_softmax(self.dense(y), -1)


class Convolved(nn.Module):
    """A convolution, a normalisation and a pool before an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv1d(3, 6, 3, padding=1), nn.BatchNorm1d(6)
        self.pool = nn.MaxPool1d(2)
        self.rnn, self.dense = nn.LSTM(6, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.pool(torch.relu(self.norm(self.conv(x.transpose(1, 2)))))
        return self.dense(self.rnn(y.transpose(1, 2))[0][:, -1])


class Normalised(nn.Module):
    """A layer normalisation between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.LSTM(3, 4, batch_first=True), nn.LayerNorm(4)
        self.second = nn.GRU(4, 6, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.second(self.norm(self.first(x)[0]))[0]
        return y


class Words(nn.Module):
    """An embedding before an LSTM, without a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(11, 3), nn.LSTM(3, 4, batch_first=True)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.rnn(self.embedding(words))[0]
        return y


class Backwards(nn.Module):
    """An LSTM on the flipped sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.dense = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.dense(self.rnn(torch.flip(x, [1]))[0])
        return y


class Packed(nn.Module):
    """An LSTM on sequences of different lengths, the longest first."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.dense = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        y = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]
        found: torch.Tensor = self.dense(y)
        return found


class Masked(nn.Module):
    """A cell that keeps its state where the input is padded with zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.dense = nn.LSTMCell(3, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = c = torch.zeros(x.shape[0], 4)
        for step in x.unbind(1):
            there = (step != 0).any(1, keepdim=True)
            new_h, new_c = self.cell(step, (h, c))
            h, c = torch.where(there, new_h, h), torch.where(there, new_c, c)
        y: torch.Tensor = self.dense(h)
        return y


class OwnLSTM(nn.Module):
    """An LSTM by hand, with any functions."""

    def __init__(self, gate: Gate = torch.sigmoid, function: Gate = torch.tanh) -> None:
        super().__init__()
        self.kernel, self.recurrent, self.dense = nn.Linear(3, 16), nn.Linear(4, 16, bias=False), nn.Linear(4, 2)
        self.gate, self.function = gate, function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = c = torch.zeros(x.shape[0], 4)
        for step in x.unbind(1):
            i, f, g, o = (self.kernel(step) + self.recurrent(h)).chunk(4, 1)
            c = self.gate(f) * c + self.gate(i) * self.function(g)
            h = self.gate(o) * self.function(c)
        y: torch.Tensor = self.dense(h)
        return y


class OwnGRU(nn.Module):
    """A GRU that resets before the product."""

    def __init__(self) -> None:
        super().__init__()
        self.gates, self.candidate, self.dense = nn.Linear(7, 8), nn.Linear(7, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.zeros(x.shape[0], 4)
        for step in x.unbind(1):
            z, r = torch.sigmoid(self.gates(torch.cat([step, h], 1))).chunk(2, 1)
            h = z * h + (1 - z) * torch.tanh(self.candidate(torch.cat([step, r * h], 1)))
        y: torch.Tensor = self.dense(h)
        return y


class Cells(nn.Module):
    """A GRU, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, ys = torch.zeros(x.shape[0], 4), []
        for step in x.unbind(1):
            h = self.cell(step, h)
            ys.append(h)
        return torch.stack(ys, 1)


class Attention(nn.Module):
    """Attention of several heads over the steps of an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.attention = nn.LSTM(3, 4, batch_first=True), nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.rnn(x)[0]
        found: torch.Tensor = y + self.attention(y, y, y, need_weights=False)[0]
        return found


class CRNN(nn.Module):
    """Convolutions on an image, an LSTM along its width, and scores for CTC with the best class of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.pool = nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.MaxPool2d((2, 1))
        self.rnn, self.dense = nn.LSTM(9, 4, batch_first=True, bidirectional=True), nn.Linear(8, 5)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = self.pool(torch.relu(self.norm(self.conv(image))))
        y = self.rnn(y.permute(0, 3, 1, 2).flatten(2))[0]
        scores = torch.log_softmax(self.dense(y), 2)
        return scores, scores.argmax(2)


class CRF(nn.Module):
    """Scores of labels by an LSTM, and the best path through them as a conditional random field has it."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.dense = nn.GRU(3, 4, batch_first=True), nn.Linear(4, 3)
        self.transitions = nn.Parameter(torch.zeros(3, 3))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first, *others = self.dense(self.rnn(x)[0]).unbind(1)
        score, pointers = first, []
        for emission in others:
            best, pointer = (score.unsqueeze(2) + self.transitions).max(1)
            score = best + emission
            pointers.append(pointer)
        return score, torch.stack(pointers, 1)


class Pooled(nn.Module):
    """The mean and the largest value over time, and functions of all sorts behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.dense = nn.LSTM(3, 4, batch_first=True), nn.Linear(8, 6)
        self.functions = nn.Sequential(
            nn.GELU(), nn.Linear(6, 6), nn.SiLU(), nn.LeakyReLU(0.2), nn.ELU(), nn.Softplus()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.rnn(x)[0]
        pooled = torch.cat([y.mean(1), y.amax(1)], 1)
        found: torch.Tensor = self.functions(self.dense(pooled)).clamp(0.1, 3.0)
        return found


def model(make: Callable[[], nn.Module], x: Array = X, *free: str, name: str = "x", **others: Array) -> TorchModel:
    """Return a model whose batch is free."""
    inputs = {name: x, **others}
    longer = {name: normal(5, 9, 3, seed=11)} if "time" in free else {}
    return TorchModel(make, inputs, dict.fromkeys(inputs, free or ("batch",)), longer)


MODELS: dict[str, TorchModel] = {
    "lstm": model(lambda: Recurrent("LSTM")),
    "lstm_sequences": model(lambda: Recurrent("LSTM", last=False)),
    "gru": model(lambda: Recurrent("GRU")),
    "gru_sequences": model(lambda: Recurrent("GRU", last=False)),
    "gru_reset_before": model(OwnGRU),
    "gru_cells": model(Cells),
    "simple_rnn": model(lambda: Recurrent("RNN", last=False)),
    "simple_rnn_relu": model(lambda: Recurrent("RNN", nonlinearity="relu")),
    "bidirectional": model(lambda: Recurrent("LSTM", last=False, bidirectional=True)),
    "bidirectional_gru": model(lambda: Recurrent("GRU", last=False, bidirectional=True)),
    "stacked": model(lambda: Recurrent("LSTM", num_layers=2)),
    "stacked_bidirectional": model(lambda: Recurrent("LSTM", num_layers=2, bidirectional=True)),
    "masked": model(Masked, padded_signal()),
    "packed": TorchModel(
        Packed, {"x": X, "lengths": torch.tensor(LENGTHS).numpy()}, {"x": ("batch",), "lengths": ("batch",)}
    ),
    "relu": model(lambda: OwnLSTM(function=torch.relu)),
    "relu_gates": model(lambda: OwnLSTM(gate=torch.relu)),
    "hard_sigmoid": model(lambda: OwnLSTM(gate=nn.functional.hardsigmoid)),
    "no_bias": model(lambda: Recurrent("LSTM", bias=False)),
    "gru_no_bias": model(lambda: Recurrent("GRU", bias=False)),
    "states": TorchModel(
        States,
        {"x": X, "h0": normal(1, 5, 4, seed=8), "c0": normal(1, 5, 4, seed=9)},
        {"x": ("batch",), "h0": ("", "batch"), "c0": ("", "batch")},
    ),
    "seq2seq": model(Seq2Seq, X, target=normal(5, 6, 2, seed=10)),
    "conv_lstm": model(Convolved, normal(5, 9, 3)),
    "normalised": model(Normalised),
    "words": model(Words, padded_words().astype("int64"), name="words"),
    "time_major": TorchModel(TimeMajor, {"x": normal(7, 5, 3)}, {"x": ("", "batch")}),
    "backwards": model(Backwards),
    "any_length": model(lambda: Recurrent("LSTM", last=False), X, "batch", "time"),
    "any_length_gru": model(lambda: Recurrent("GRU", last=False), X, "batch", "time"),
    "static": TorchModel(lambda: Recurrent("LSTM"), {"x": X}, {}),
    "static_one": TorchModel(lambda: Recurrent("LSTM"), {"x": X[:1]}, {}),
    "three_layers": model(lambda: Recurrent("LSTM", num_layers=3)),
    "attention": model(Attention),
    "crnn": model(CRNN, normal(5, 1, 6, 7), name="image"),
    "crf": model(CRF),
    "pooled": model(Pooled),
    "projected": model(Projected),
}
