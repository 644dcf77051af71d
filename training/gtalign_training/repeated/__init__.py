"""Matrix games that are played again and again: tournaments, learners, and who cooperates."""
