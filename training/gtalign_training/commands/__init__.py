"""The commands of ``gtalign``, one a module."""
