"""One test module for each file of `lstm_verify.layers`."""
