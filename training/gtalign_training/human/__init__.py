"""A person at the table: the sitting, its review, and the terminal."""
