"""The rules that an environment is held to, by name, and how broken ones are reported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gtalign_env.errors import GTAlignError, suggest

RULES = {
    "returns": "reset and step return what the interface says; reset takes seed and options",
    "raises": "an act that the space and the mask allow is played and never raises",
    "ends": "every episode ends within max_steps",
    "same-space": "a seat's space is the same object on every call",
    "observation-dtype": "an observation has its space's types, dtypes and shapes",
    "observation-finite": "no number of an observation is NaN, and none infinite",
    "observation-space": "every observation lies in its space, at every step",
    "reward-number": "every reward is one finite number",
    "reward-dead": "a seat whose episode is over is paid nothing more",
    "reward-cumulative": "AEC: last() pays what a seat was due since its own last step",
    "flags-bool": "terminated and truncated are bool",
    "flags-both": "an episode is never terminated and truncated at once",
    "limit-truncates": "the time limit truncates, and nothing but the limit or a fault does",
    "agents-keys": "what is reported names the seats in play: all of them and no other",
    "agents-turn": "the seats in play are possible seats, and the one to act is among them",
    "agents-end": "a seat that is over leaves and never returns; in the end none is left",
    "ends-together": "the episode is over for all seats at once",
    "mask-form": "a mask comes with every step: 0 or 1 for every act, and one of them legal",
    "mask-obeyed": "what the mask allows can be played, what it forbids cannot",
    "mask-refusal": "a refused act changes nothing",
    "fault-no-score": "a step whose reward is not valid pays 0.0, truncates, and names the fault",
    "final-observation": "an episode's last observation is its own, not the next one's first",
    "seed-repeat": "the same seed and acts give the same data, over whole episodes",
    "seed-matters": "another seed gives other data",
    "seed-follows": "Gymnasium: resets without a seed go on with the seed in force",
    "reset-clean": "after any other episode, a reset gives the same episode as at first",
    "reset-twice": "two resets in a row are as good as one",
    "instances-apart": "two instances side by side do not disturb one another",
    "processes-agree": "another process, with another PYTHONHASHSEED, gives the same data",
    "alias-seats": "two seats are never given the same object or memory",
    "alias-steps": "what one step gave is not changed by later ones",
    "alias-state": "whoever overwrites what it was given changes nothing of the game",
    "copy": "a copy made in mid-episode goes on alike, and moves nothing of the original",
    "pickle": "a pickle made in mid-episode goes on alike",
    "before-reset": "a step before the first reset raises",
    "after-end": "a step after the end raises, or says again that it is over",
    "close": "an environment can be closed twice",
    "options": "the options of a reset do what they say",
    "hidden-twin": "what the blind seats read is the same whoever the hidden user is",
    "hidden-words": "no hidden value is written where a blind seat reads",
    "budget": "spending never exceeds the budget",
    "ledger-balance": "the lines of the bill cancel, and the payer's add up to what was charged",
    "ledger-once": "no exchange is billed twice",
    "reward-sum": "the rewards of an episode add up to the seat's return",
    "reward-swap": "no seat is paid the other's rewards",
}
"""Per rule: what must hold."""


UNREPEATED = "it rests on seed-repeat, which is broken: mend that first"
"""Why rules that compare runs are not judged where two runs never agree."""


@dataclass(frozen=True)
class Violation:
    """A broken rule.

    Attributes:
        rule: Its name, a key of `RULES`.
        where: Episode, step and seat where it was first seen.
        message: What came instead.
        times: How often it was seen.
    """

    rule: str
    where: str
    message: str
    times: int = 1

    def __str__(self) -> str:
        again = f" (seen {self.times} times)" if self.times > 1 else ""
        return f"{self.rule}: {RULES[self.rule]}.\n    {self.where}: {self.message}{again}"


@dataclass(frozen=True)
class Report:
    """What came of a check.

    Attributes:
        name: The environment's.
        episodes: Episodes of the recorded run.
        steps: Their steps.
        checked: The rules that were put to the test.
        not_checked: Per other rule, why not.
        violations: The broken rules; empty for a sound environment.
    """

    name: str
    episodes: int
    steps: int
    checked: tuple[str, ...]
    not_checked: Mapping[str, str]
    violations: tuple[Violation, ...]

    @property
    def ok(self) -> bool:
        """Whether no rule is broken."""
        return not self.violations

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the broken rules."""
        return tuple(violation.rule for violation in self.violations)

    def __str__(self) -> str:
        count = len(self.violations)
        head = (
            f"{self.name}: {len(self.checked)} rules over {self.episodes} episodes, "
            f"{self.steps} steps: {'all hold' if self.ok else f'{count} broken'}"
        )
        lines = [head, *(f"  {violation}" for violation in self.violations)]
        if resting := [rule for rule, why in self.not_checked.items() if why == UNREPEATED]:
            lines.append(f"  not judged before seed-repeat is mended: {', '.join(resting)}")
        return "\n".join(lines)


class ContractError(GTAlignError, AssertionError):
    """An environment breaks its contract.

    Attributes:
        report: All that was found.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass
class Findings:
    """The violations found so far: the first place of each, and a count.

    Attributes:
        ignore: Rules that are not held against the environment.
        found: The violations by rule.
        checked: Rules that were put to the test.
        skipped: Per rule that could not be tested, why.
    """

    ignore: frozenset[str] = frozenset()
    found: dict[str, Violation] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)

    def check(self, rule: str, holds: bool, where: str, message: str = "") -> bool:
        """Note that a rule was tested, and that it is broken where it does not hold.

        Returns:
            Whether it holds.
        """
        if rule in self.ignore:
            return holds
        self.checked.add(rule)
        if not holds:
            old = self.found.get(rule)
            self.found[rule] = (
                Violation(rule, where, message)
                if old is None
                else Violation(rule, old.where, old.message, old.times + 1)
            )
        return holds

    def skip(self, rules: Iterable[str], why: str) -> None:
        """Note why rules are not tested."""
        for rule in rules:
            self.skipped.setdefault(rule, why)

    def report(self, name: str, episodes: int, steps: int) -> Report:
        """Return the report, rules in the order of `RULES`."""
        reasons = {rule: self.skipped.get(rule, "does not apply here") for rule in RULES}
        reasons |= dict.fromkeys(self.ignore, "ignored on request")
        return Report(
            name,
            episodes,
            steps,
            tuple(rule for rule in RULES if rule in self.checked),
            {rule: why for rule, why in reasons.items() if rule not in self.checked},
            tuple(self.found[rule] for rule in RULES if rule in self.found),
        )


def known_rules(names: Collection[Any]) -> frozenset[str]:
    """Return the rules of these names.

    Raises:
        ValueError: There is no rule of a name.
    """
    for name in names:
        if name not in RULES:
            raise ValueError(f"no rule {name!r}.{suggest(str(name), RULES)} See RULES for all")
    return frozenset(names)
