"""How models are put together: Sequential and functional, inputs and outputs, sharing, nesting, freezing, naming."""

from __future__ import annotations

from typing import Any

from tests.zoo.entry import SECOND, SIGNAL, WORDS, Entry, Inputs, Source, graph, normal, stack

TWO = (Source(SIGNAL.array, "first"), SECOND)
Built = tuple[Any, Inputs]


# --- Sequential ----------------------------------------------------------------------------------------------


def declared_on_layer(keras: Any) -> Built:
    """Build a Sequential whose first layer declares the input's shape."""
    return keras.Sequential([keras.layers.LSTM(4, input_shape=(7, 3)), keras.layers.Dense(2)]), [SIGNAL.array]


def declared_with_batch(keras: Any) -> Built:
    """Build a Sequential whose first layer declares the batch size too, and carries its state."""
    lstm = keras.layers.LSTM(4, stateful=True, batch_input_shape=(2, 7, 3))
    return keras.Sequential([lstm, keras.layers.Dense(2)]), [normal(6, 7, 3)]


def declared_embedding(keras: Any) -> Built:
    """Build a Sequential that starts with an Embedding of a declared length."""
    embedding = keras.layers.Embedding(11, 3, mask_zero=True, input_length=7)
    return keras.Sequential([embedding, keras.layers.LSTM(4)]), [WORDS.array]


def built_by_calling(keras: Any) -> Built:
    """Build a Sequential without a declared shape by calling it."""
    model = keras.Sequential([keras.layers.LSTM(4, return_sequences=True), keras.layers.GRU(6)])
    model(SIGNAL.array)
    return model, [SIGNAL.array]


def built_by_shape(keras: Any) -> Built:
    """Build a Sequential without a declared shape by its build method."""
    model = keras.Sequential([keras.layers.LSTM(4), keras.layers.Dense(2)])
    model.build((None, 7, 3))
    return model, [SIGNAL.array]


def added_one_by_one(keras: Any) -> Built:
    """Build a Sequential with add, its name given."""
    model = keras.Sequential(name="tower")
    for layer in (SIGNAL.tensor(keras), keras.layers.LSTM(4), keras.layers.Dense(2, activation="softmax")):
        model.add(layer)
    return model, [SIGNAL.array]


# --- inputs and outputs --------------------------------------------------------------------------------------


def several_outputs(layers: Any, first: Any, second: Any) -> Any:
    """Connect an output that feeds another output, and one tensor that is given out twice."""
    sequence = layers.LSTM(4, return_sequences=True, name="sequence")(first)
    last = layers.GRU(6, name="last")(sequence)
    return [sequence, last, layers.Dense(2, name="head")(layers.Concatenate()([last, layers.LSTM(4)(second)])), last]


def dict_of_outputs(layers: Any, signal: Any) -> Any:
    """Connect outputs given as a dict whose order is not alphabetical."""
    sequence = layers.LSTM(4, return_sequences=True)(signal)
    return {"words": layers.Dense(2)(sequence), "meaning": layers.LSTM(6)(sequence)}


def dict_of_inputs(keras: Any) -> Built:
    """Build a model whose inputs are given as a dict."""
    layers, sources = keras.layers, {"zeta": SIGNAL, "alpha": SECOND}
    tensors = {name: keras.Input((7, 3), name=name) for name in sources}
    both = layers.Concatenate()([layers.LSTM(4)(tensors["zeta"]), layers.GRU(6)(tensors["alpha"])])
    return keras.Model(tensors, layers.Dense(2)(both)), {name: source.array for name, source in sources.items()}


def input_as_output(layers: Any, signal: Any) -> Any:
    """Connect an output that is the input itself."""
    return [signal, layers.LSTM(4)(signal)]


def unused_branch(layers: Any, first: Any, second: Any) -> Any:
    """Connect one input to a layer that no output needs."""
    layers.LSTM(4, name="unused")(second)
    return layers.Add()([layers.LSTM(4)(first), layers.GRU(4)(second)])


# --- sharing and nesting -------------------------------------------------------------------------------------


def shared_layer(layers: Any, first: Any, second: Any) -> Any:
    """Connect two inputs to one LSTM."""
    lstm = layers.LSTM(4)
    return layers.Dense(2)(layers.Concatenate()([lstm(first), lstm(second)]))


def shared_in_series(layers: Any, signal: Any) -> Any:
    """Connect one LSTM to its own output; both results are outputs."""
    lstm = layers.LSTM(3, return_sequences=True, name="again")
    once = lstm(signal)
    return [lstm(once), once]


def shared_bidirectional(layers: Any, first: Any, second: Any) -> Any:
    """Connect two inputs to one Bidirectional layer."""
    both = layers.Bidirectional(layers.LSTM(4))
    return layers.Subtract()([both(first), both(second)])


def reader(keras: Any, name: str = "reader", features: int = 3, **arguments: Any) -> Any:
    """Return a functional model of (samples, 7, features) to (samples, 6) or, as sequences, (samples, 7, 6)."""
    layers, signal = keras.layers, keras.Input((7, features), name="signal")
    lstm = layers.LSTM(6, **arguments)(layers.BatchNormalization()(layers.Dense(4)(signal)))
    return keras.Model(signal, lstm, name=name)


def sequential_reader(keras: Any, name: str = "reader") -> Any:
    """Return a Sequential model of (samples, 7, 3) to (samples, 7, 6)."""
    layers = keras.layers
    steps = [layers.LSTM(4, return_sequences=True), layers.LSTM(6, return_sequences=True)]
    return keras.Sequential([keras.Input((7, 3)), *steps], name=name)


def around(keras: Any, inner: Any) -> Built:
    """Build a functional model around a nested one."""
    signal = SIGNAL.tensor(keras)
    return keras.Model(signal, keras.layers.Dense(2)(inner(keras.layers.Dense(3)(signal)))), [SIGNAL.array]


def functional_in_sequential(keras: Any) -> Built:
    """Build a Sequential model that holds a functional one."""
    inner = reader(keras, return_sequences=True)
    return keras.Sequential([SIGNAL.tensor(keras), inner, keras.layers.GRU(5)]), [SIGNAL.array]


def sequential_in_sequential(keras: Any) -> Built:
    """Build a Sequential model that holds two Sequential ones."""
    second = keras.Sequential([keras.Input((7, 6)), keras.layers.GRU(5), keras.layers.Dense(2)], name="second")
    return keras.Sequential([SIGNAL.tensor(keras), sequential_reader(keras, "first"), second]), [SIGNAL.array]


def nested_first(keras: Any) -> Built:
    """Build a Sequential model that starts with a nested one and has no Input of its own."""
    return keras.Sequential([reader(keras), keras.layers.Dense(2)]), [SIGNAL.array]


def nested_twice(keras: Any) -> Built:
    """Build a model that uses one nested model on two inputs."""
    tensors, inner = [source.tensor(keras) for source in TWO], reader(keras)
    output = keras.layers.Subtract()([inner(tensor) for tensor in tensors])
    return keras.Model(tensors, output), [source.array for source in TWO]


def nested_deep(keras: Any) -> Built:
    """Build a model in a model in a model."""
    signal = keras.Input((7, 3), name="middle_signal")
    inner = reader(keras, "inner", features=5)
    middle = keras.Model(signal, inner(keras.layers.LSTM(5, return_sequences=True)(signal)), name="middle")
    return around(keras, middle)


def nested_several(keras: Any) -> Built:
    """Build a model around a nested one with two inputs and two outputs, which are used crosswise."""
    layers, (first, second) = keras.layers, (source.tensor(keras) for source in TWO)
    left, right = keras.Input((7, 3), name="left"), keras.Input((7, 3), name="right")
    inner = keras.Model([left, right], [layers.LSTM(4)(left), layers.GRU(6)(right)], name="pair")
    one, other = inner([second, first])
    return keras.Model([first, second], [other, layers.Dense(2)(one)]), [source.array for source in TWO]


def nested_frozen(keras: Any) -> Built:
    """Build a model around a nested one that is frozen as a whole."""
    inner = reader(keras)
    inner.trainable = False
    return around(keras, inner)


def nested_partly_frozen(keras: Any) -> Built:
    """Build a model around a nested one with one frozen layer, which changes the order of its weights in a file."""
    inner = reader(keras)
    inner.layers[1].trainable = False
    return around(keras, inner)


def nested_same_shapes(keras: Any) -> Built:
    """Build a nested model of equal layers, one frozen: swapped weights would still fit."""
    layers = keras.layers
    steps = [layers.Dense(3, trainable=False), layers.LSTM(3, return_sequences=True), layers.Dense(3)]
    frozen = layers.LSTM(3, return_sequences=True, trainable=False)
    inner = keras.Sequential([keras.Input((7, 3)), *steps, frozen], name="equal")
    return around(keras, inner)


# --- freezing, naming, order ---------------------------------------------------------------------------------


def frozen_layers(layers: Any) -> list[Any]:
    """Return layers of which some are frozen, BatchNormalization among them."""
    lstm, normal_frozen = layers.LSTM(4, return_sequences=True), layers.BatchNormalization(trainable=False)
    lstm.trainable = False
    return [layers.Dense(4), lstm, normal_frozen, layers.LSTM(4), layers.BatchNormalization()]


def names_exchanged(layers: Any) -> list[Any]:
    """Return two LSTMs of one shape, each with the name that the other would get."""
    return [
        layers.LSTM(3, return_sequences=True, name="lstm_1"),
        layers.LSTM(3, return_sequences=True, name="lstm"),
        layers.Dense(3, name="dense_1"),
        layers.Dense(3, name="dense"),
    ]


def order_exchanged(layers: Any, first: Any, second: Any) -> Any:
    """Connect layers of one shape in another order than they were made in."""
    made = [layers.LSTM(3, return_sequences=True) for _ in range(3)]
    joined = layers.Add()([made[2](second), made[0](first)])
    return made[1](joined)


def renamed_class(layers: Any) -> list[Any]:
    """Return layers that bear the names of other classes."""
    return [
        layers.LSTM(4, return_sequences=True, name="gru"),
        layers.GRU(4, name="dense"),
        layers.Dense(4, name="lstm"),
    ]


ENTRIES: dict[str, Entry] = {
    "sequential_declared_on_layer": Entry(declared_on_layer),
    "sequential_declared_with_batch": Entry(declared_with_batch, only="tf_keras", batch_size=2),
    "sequential_declared_embedding": Entry(declared_embedding, only="tf_keras"),
    "sequential_built_by_calling": Entry(built_by_calling),
    "sequential_built_by_shape": Entry(built_by_shape),
    "sequential_added": Entry(added_one_by_one),
    "graph_several_outputs": graph(TWO, several_outputs),
    "graph_dict_of_outputs": graph(SIGNAL, dict_of_outputs),
    "graph_dict_of_inputs": Entry(dict_of_inputs),
    "graph_input_as_output": graph(SIGNAL, input_as_output),
    "graph_unused_branch": graph(TWO, unused_branch),
    "graph_shared_layer": graph(TWO, shared_layer),
    "graph_shared_in_series": graph(SIGNAL, shared_in_series),
    "graph_shared_bidirectional": graph(TWO, shared_bidirectional),
    "nested_functional": Entry(lambda keras: around(keras, reader(keras))),
    "nested_sequential": Entry(lambda keras: around(keras, sequential_reader(keras))),
    "nested_functional_in_sequential": Entry(functional_in_sequential),
    "nested_sequential_in_sequential": Entry(sequential_in_sequential),
    "nested_first": Entry(nested_first),
    "nested_twice": Entry(nested_twice),
    "nested_deep": Entry(nested_deep),
    "nested_several": Entry(nested_several),
    "nested_frozen": Entry(nested_frozen),
    "nested_partly_frozen": Entry(nested_partly_frozen),
    "nested_same_shapes": Entry(nested_same_shapes),
    "frozen_layers": stack(SIGNAL, frozen_layers),
    "names_exchanged": stack(SIGNAL, names_exchanged),
    "names_of_classes": stack(SIGNAL, renamed_class),
    "names_with_spaces": stack(SIGNAL, lambda layers: [layers.LSTM(4, name="my first lstm")], only="keras"),
    "names_unicode": stack(SIGNAL, lambda layers: [layers.LSTM(4, name="gedächtnis_層")], only="keras"),
    "names_punctuated": stack(SIGNAL, lambda layers: [layers.LSTM(4, name="block-1.lstm_2"), layers.Dense(2)]),
    "names_slashed": stack(
        SIGNAL, lambda layers: [layers.LSTM(4, name="block/lstm"), layers.Dense(2)], only="tf_keras"
    ),
    "names_given_to_input": stack(Source(SIGNAL.array, "sensor-1.x"), lambda layers: [layers.LSTM(4)]),
    "order_exchanged": graph(TWO, order_exchanged),
}
