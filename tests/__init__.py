"""The tests; `builders` makes small models, `oracle` computes by hand what they should give."""
