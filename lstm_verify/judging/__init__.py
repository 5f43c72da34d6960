"""Judging: whether predictions agree with the replay, and how far apart they may be."""
