"""Models that are graphs of operations, of any framework.

ir          nodes, graphs, and the ways through them
translate   the kinds of entries in a framework's table of operations
build       from a graph to a `Model`, by such a table
batch_axis  which axis of an input or output is that of the samples
samples     graphs tried on inputs made for them
lift        recurrent cells recognised by what is computed
"""
