"""Judging: whether predictions agree with the replay, and how far they may lie apart."""
