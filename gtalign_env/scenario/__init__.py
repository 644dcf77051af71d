"""Authoring: YAML files, their schema, the library of names, and the way to numbers."""
