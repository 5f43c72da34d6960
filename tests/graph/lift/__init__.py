"""Tests of `lstm_verify.graph.lift`."""
