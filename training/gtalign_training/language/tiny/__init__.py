"""A language model small enough to be trained on a CPU in a minute, for demos and tests."""
