"""The broken environments and the rule that must find each: what every rule is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.contracts import mutants_both as both
from tests.contracts import mutants_one as one
from tests.contracts import mutants_paid as paid


class Mutant(NamedTuple):
    """A broken environment and the rule that must find it."""

    make: Callable[[], Any]
    rule: str


MUTANTS = [
    Mutant(both.TypeSeen, "hidden-twin"),
    Mutant(both.TypeInInfo, "hidden-twin"),
    Mutant(both.TypeInInfo, "hidden-words"),
    Mutant(both.TypeRendered, "hidden-words"),
    Mutant(both.TypePrinted, "hidden-words"),
    Mutant(both.OneArrayForBoth, "alias-seats"),
    Mutant(both.OneInfoForBoth, "alias-seats"),
    Mutant(both.Swapped, "reward-swap"),
    Mutant(both.OverBudget, "budget"),
    Mutant(both.LimitTerminates, "limit-truncates"),
    Mutant(both.LeavingTruncates, "limit-truncates"),
    Mutant(paid.Infinite, "reward-number"),
    Mutant(paid.NotANumber, "reward-number"),
    Mutant(paid.HashOfText, "processes-agree"),
    Mutant(paid.ClockFromStep2, "seed-repeat"),
    Mutant(paid.UnseededFromStep1, "seed-repeat"),
    Mutant(paid.UnseededFromStep2, "seed-repeat"),
    Mutant(paid.GlobalNumbers, "instances-apart"),
    Mutant(paid.GrowsWithEpisodes, "reset-clean"),
    Mutant(both.RewardMissing, "agents-keys"),
    Mutant(both.RewardAfterDeath, "reward-dead"),
    Mutant(both.NeverCleared, "reward-cumulative"),
    Mutant(both.OutOfBoundsFromStep2, "observation-space"),
    Mutant(both.WrongDtypeFromStep2, "observation-dtype"),
    Mutant(both.NotANumberSeen, "observation-finite"),
    Mutant(both.LateDeath, "ends-together"),
    Mutant(both.StaysAfterEnd, "agents-end"),
    Mutant(both.GoneAtOnce, "agents-keys"),
    Mutant(both.StrangerToMove, "agents-turn"),
    Mutant(both.StaleMask, "mask-obeyed"),
    Mutant(both.MaskGone, "mask-form"),
    Mutant(both.MaskTooShort, "mask-form"),
    Mutant(both.MaskAllZero, "mask-form"),
    Mutant(both.MaskIgnored, "mask-obeyed"),
    Mutant(both.RefusalMoves, "mask-refusal"),
    Mutant(both.LastActRaises, "mask-obeyed"),
    Mutant(both.BilledTwice, "ledger-once"),
    Mutant(both.HalfABill, "ledger-balance"),
    Mutant(both.OptionsIgnored, "options"),
    Mutant(both.SeedIgnored, "seed-matters"),
    Mutant(both.ResetsCount, "reset-twice"),
    Mutant(both.NewSpaces, "same-space"),
    Mutant(both.OneConversationForAll, "instances-apart"),
    Mutant(both.PickledWithout, "pickle"),
    Mutant(both.ShallowCopy, "copy"),
    Mutant(both.StateGivenAway, "alias-state"),
    Mutant(both.CloseOnce, "close"),
    Mutant(both.Tells, "returns"),
    Mutant(one.OutsideAtReset, "observation-space"),
    Mutant(one.OutsideLater, "observation-space"),
    Mutant(one.OtherShape, "observation-dtype"),
    Mutant(one.UnseededLater, "seed-repeat"),
    Mutant(one.NotANumberPaid, "reward-number"),
    Mutant(one.PaidInText, "reward-number"),
    Mutant(one.OverTwice, "flags-both"),
    Mutant(one.NeverOver, "ends"),
    Mutant(one.FlagsAsNumbers, "flags-bool"),
    Mutant(one.FourParts, "returns"),
    Mutant(one.ObservationAlone, "returns"),
    Mutant(one.NextOneShown, "final-observation"),
    Mutant(one.RestartsAfterEnd, "after-end"),
    Mutant(one.ResetsItself, "before-reset"),
    Mutant(one.OneBuffer, "alias-steps"),
    Mutant(one.FreshSeeds, "seed-follows"),
    Mutant(one.RefusesLegal, "mask-obeyed"),
    Mutant(one.LastRewardHalved, "reward-sum"),
    Mutant(one.FaultPaid, "fault-no-score"),
    Mutant(one.RefusalPaid, "mask-refusal"),
    Mutant(one.MissesAKey, "agents-keys"),
    Mutant(one.OneTooMany, "agents-keys"),
    Mutant(one.ComesBack, "agents-end"),
    Mutant(one.VanishesAlive, "agents-end"),
    Mutant(one.UnseededLength, "seed-repeat"),
    Mutant(one.HighestActRaises, "raises"),
    Mutant(one.BothFlags, "flags-both"),
]
