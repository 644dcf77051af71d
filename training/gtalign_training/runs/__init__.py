"""Conversations played into a run folder: who sits where, episode by episode, and what it came to."""
