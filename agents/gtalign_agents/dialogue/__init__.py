"""Seats of a conversation in words: scripted or held by a language model, all talks in step."""
