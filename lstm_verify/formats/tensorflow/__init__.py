"""TensorFlow graphs from any kind of file: from protobufs to a `Model`.

reader, child   the file, read by TensorFlow in a child process         → GraphFile
endpoints, shapes  cut where a user feeds it                            → one graph, from there to the outputs wanted
flatten         calls of functions inlined                              → one graph
branches, loops the control flow of TF1 as TF2 has it                   → choices and While nodes
variables       which tensor of the checkpoint belongs to which variable, and what is assigned on the way
table, operations  what becomes of each operation                       → Model, by graph/build.py
assemble        all of that, one after the other
"""
