"""Judges of answers: rules first, a language model where rules cannot tell, never a silent zero."""
