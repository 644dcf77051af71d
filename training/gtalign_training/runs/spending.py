"""What a run's model calls have cost, written down before they are made: a cap that outlives crashes.

```
spending.jsonl   the most that may have been spent by now, pico-USD; the last line counts
```

A line is written before a batch of calls, with their worst case, and after it, with what they cost.
A run that is killed in between goes on as if its last calls had cost all that they could.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gtalign_agents.backends.purse import Account
from gtalign_env.errors import RunError
from gtalign_env.money import format_money
from gtalign_training.run_log import RunLog, read_log

SPENDING = "spending.jsonl"
SCHEMA = 1


def spent_in(path: Path) -> int | None:
    """Return what the calls of a run may have cost by now, pico-USD; None where nothing is counted.

    Args:
        path: The run folder.
    """
    told = [
        record["spent_at_most"]
        for record in read_log(path / SPENDING).records
        if isinstance(record, dict) and record.get("v") == SCHEMA
    ]
    return told[-1] if told else None


@contextmanager
def open_account(path: Path, cap: int | None) -> Iterator[Account | None]:
    """Give a run's account, with what has been spent before; None where there is no cap.

    Args:
        path: The run folder.
        cap: What may be spent in all, pico-USD.

    Raises:
        RunError: The run has a budget and none is given now, or it is spent already.
    """
    spent = spent_in(path)
    if cap is None:
        if spent is not None:
            raise RunError(
                f"{path} is a run with a budget, of which {format_money(spent)} may be spent; say "
                "--budget-cap again, as much as before or more"
            )
        yield None
        return
    if spent is not None and spent > cap:
        raise RunError(
            f"{format_money(spent)} of {path} may be spent already, more than the cap of "
            f"{format_money(cap)}; raise --budget-cap"
        )
    with RunLog(path / SPENDING, read_log(path / SPENDING).end) as log:
        account = Account(cap, spent or 0)
        account.tell = lambda at_most: log.append([{"v": SCHEMA, "spent_at_most": at_most}])
        account.tell(account.spent)
        yield account
