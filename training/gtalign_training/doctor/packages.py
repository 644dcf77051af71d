"""Which packages a distribution needs, by its own metadata, and whether they are there."""

from __future__ import annotations

import importlib.metadata
import re
from typing import NamedTuple


class Requirement(NamedTuple):
    """A package that this one needs, as its metadata say."""

    name: str
    wanted: str
    """Versions, such as ``>=1.26,<2``."""

    def state(self) -> tuple[bool, str]:
        """Return whether it is installed in a version that fits, and the version, or what is wrong."""
        try:
            version = importlib.metadata.version(self.name)
        except importlib.metadata.PackageNotFoundError:
            return False, "is not installed"
        if not satisfies(version, self.wanted):
            return False, f"{version}; {self.wanted} is needed"
        return True, version


def requirements(distribution: str, extra: str | None = None) -> list[Requirement]:
    """Return what a distribution needs, or one of its extras, by its metadata.

    Args:
        distribution: Its name.
        extra: Name of the extra; None for what it always needs.
    """
    found = []
    for line in importlib.metadata.requires(distribution) or ():
        need, _, marker = line.partition(";")
        of = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        match = re.fullmatch(r"\s*([A-Za-z0-9._-]+)\s*\(?([^()\[\]]*)\)?\s*", need)
        if match and (of[1] if of else None) == extra:
            found.append(Requirement(match[1], match[2].strip()))
    return found


def satisfies(version: str, wanted: str) -> bool:
    """Return whether a version lies in a range like ``>=1.26,<2``; compares released numbers only.

    Args:
        version: Such as ``2.4.6`` or ``2.13.0+cpu``.
        wanted: Conditions, separated by commas; an empty text holds for every version.
    """
    have = _numbers(version)
    for condition in filter(None, wanted.replace(" ", "").split(",")):
        match = re.fullmatch(r"(>=|<=|==|!=|~=|>|<)(.+)", condition)
        if match is None:
            continue  # an arbitrary or direct reference: nothing to compare
        sign, limit = match[1], _numbers(match[2])
        width = max(len(have), len(limit))
        one, other = (n + (0,) * (width - len(n)) for n in (have, limit))
        holds = {
            ">=": one >= other,
            "<=": one <= other,
            "==": one == other,
            "!=": one != other,
            ">": one > other,
            "<": one < other,
            "~=": one >= other and one[: len(limit) - 1] == limit[:-1],
        }
        if not holds[sign]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
