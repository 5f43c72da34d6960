"""Tests of `lstm_verify.preloading`."""
