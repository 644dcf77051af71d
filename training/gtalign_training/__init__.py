"""Training, evaluation, studies and the `gtalign` command."""
