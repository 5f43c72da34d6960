"""Recurrent layers: the loop over time in `rnn`, the cells that it runs, and what wraps or stacks them."""
