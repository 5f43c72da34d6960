"""What the Keras formats share: the config of a model turned into a `Model`.

config.py       a layer's config, of which every key must be accounted for
activations.py  an activation's config
classes.py      one entry for each Keras layer class: its variables, and how it becomes a canonical layer
graph.py        Sequential and functional models
store.py        where the variables of a layer lie in a file
"""

from lstm_verify.formats.keras import classes, registry

registry.CLASSES.update(classes.CLASSES)
