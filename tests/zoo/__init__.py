"""Many small models made with the real frameworks: the independent oracle of the tests. Never imports lstm_verify."""
