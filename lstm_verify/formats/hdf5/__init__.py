"""HDF5 files, read in a separate process: the HDF5 library hangs on some damaged files and crashes on others."""

from lstm_verify.formats.hdf5.reader import read_tree
from lstm_verify.formats.hdf5.tree import Dataset, Group

__all__ = ["Dataset", "Group", "read_tree"]
