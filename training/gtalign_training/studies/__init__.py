"""Studies: a scenario over axes of its own fields, solved point by point, and what to draw of it."""
