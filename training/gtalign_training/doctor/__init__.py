"""`gtalign doctor`: what is installed, found and able to work on this machine."""

from gtalign_training.doctor.checks import DISTRIBUTION, Finding, Status, examine, self_check

__all__ = ["DISTRIBUTION", "Finding", "Status", "examine", "self_check"]
