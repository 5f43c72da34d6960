"""Files with weights but no model: one module for each form in which frameworks save them.

Each has `recognise(path, magic)` and `use(path, with_weights)`. With the config of a model, from another file, they are
a model (`files.py`); without one there are tensors to look at (`alone.py`).
"""
