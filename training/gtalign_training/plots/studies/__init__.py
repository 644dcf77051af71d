"""Pictures of studies and games: phase diagrams, payoff polygons, best replies; still or interactive."""
