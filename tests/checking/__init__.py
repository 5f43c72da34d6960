"""Tests of `lstm_verify.checking`."""
