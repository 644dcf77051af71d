"""Evaluations: assistants by personas, regimes and users, all on the same draws."""

from __future__ import annotations
