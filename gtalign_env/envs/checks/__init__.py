"""The contract of environments, for everybody's: Gymnasium, PettingZoo AEC and parallel.

`check_rollouts` plays an environment and holds it to `RULES`; the libraries' own checkers look at
a step or two and let most of this through.
"""

from gtalign_env.envs.checks.hooks import BillLine, Hooks
from gtalign_env.envs.checks.ours import conversation_hooks
from gtalign_env.envs.checks.rollouts import check_rollouts
from gtalign_env.envs.checks.rules import RULES, ContractError, Report, Violation

__all__ = [
    "RULES",
    "BillLine",
    "ContractError",
    "Hooks",
    "Report",
    "Violation",
    "check_rollouts",
    "conversation_hooks",
]
