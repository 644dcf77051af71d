"""The trainers for the game without text: a small network, SB3, and an exact evaluation."""

from __future__ import annotations

from gtalign_training.tabular.evaluation import evaluate_network
from gtalign_training.tabular.trainer import train_network

__all__ = ["evaluate_network", "train_network"]
