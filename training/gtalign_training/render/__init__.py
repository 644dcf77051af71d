"""What commands print: games, solutions, and what became of a training run."""
