"""The game: rules, exact payoffs, optimal play. Pure; knows no environment library."""
