"""The trainer for the game without text: a small network, PPO, and an exact evaluation."""

from __future__ import annotations

from gtalign_training.tabular.evaluation import evaluate_ppo
from gtalign_training.tabular.trainer import train_ppo

__all__ = ["evaluate_ppo", "train_ppo"]
