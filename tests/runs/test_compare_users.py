"""One assistant with several users: paired differences, the worst beside the mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gtalign_env.testing import FaultServer
from gtalign_training.cli import main
from gtalign_training.runs.episode import Episode
from gtalign_training.runs.families import FAMILIES, compare
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.run import run
from gtalign_training.runs.words import Words

from .conftest import reply, talk_plan


def episode(index: int, value: float, fault: bool = False) -> Any:
    class One:
        """As much of an episode as is compared."""

    one = One()
    given = {"user": value, "assistant": 2 * value, "welfare": None if fault else value + 1}
    one.__dict__ |= {**given, "fault": object() if fault else None, "words": None, "episode": index}
    return one


def row(values: list[float], faults: tuple[int, ...] = ()) -> dict[int, Episode]:
    return {i: episode(i, value, i in faults) for i, value in enumerate(values)}


def test_differences_are_paired_and_faults_leave_both_sides_of_a_pair() -> None:
    rng = np.random.default_rng(0)
    base = list(rng.normal(size=200))
    found = compare(
        {
            "first": row(base, faults=(0,)),
            "better": row([v + 0.5 for v in base], faults=(1, 2)),
            "worse": row([v - 1 for v in base]),
        },
        seed=3,
    )
    users = found["users"]
    assert users["first"]["to_first"] is None
    assert users["better"]["to_first"]["pairs"] == 197
    # the same noise in both: a paired difference knows it exactly
    for name, shift in (("better", 0.5), ("worse", -1.0)):
        for key, factor in (("user", 1), ("assistant", 2), ("welfare", 1)):
            interval = users[name]["to_first"][key]
            assert list(interval.values()) == pytest.approx([factor * shift] * 3)
    assert found["worst"]["welfare"]["user"] == "worse"
    assert found["worst"]["welfare"]["mean"] == users["worse"]["welfare"]["mean"]
    means = [one["welfare"]["mean"] for one in users.values()]
    assert found["mean"]["welfare"] == pytest.approx(np.mean(means))
    assert found["range"]["welfare"] == pytest.approx(max(means) - min(means))
    assert users["better"]["faults"] == 2


def test_a_user_without_a_valid_conversation_is_told() -> None:
    with pytest.raises(ValueError, match="dead"):
        compare({"a": row([1.0]), "dead": row([1.0], faults=(0,))}, seed=0)


def test_every_family_beside_the_others(tmp_path: Path) -> None:
    with FaultServer(reply) as server:
        phrased = talk_plan(server.base_url, 16, assistant="clarify_once")
        assert phrased.words is not None
        decided = replace(phrased, words=replace(phrased.words, user_mode="decided"))
        scripted = replace(phrased, user="default")
        folders = {name: tmp_path / name for name in FAMILIES}
        run(scripted, folders["scripted"])
        run(phrased, folders["phrased"])
        with FaultServer(lambda messages: "Thanks.") as hasty:
            name = f"openai:{hasty.base_url}#ok"
            run(replace(decided, user=name), folders["decided"])
        run(replace(phrased, user=f"replay@{folders['scripted']}"), folders["replayed"])
    args = ["compare", "--by", "user", *(str(folders[name]) for name in FAMILIES)]
    told = json.loads(CliRunner().invoke(main, [*args, "--json"]).stdout)
    assert set(told["families"].values()) == set(FAMILIES)
    by_family = {told["families"][user]: one for user, one in told["users"].items()}
    # an obedient phrasing and a replay of the same seeds are the scripted user in other words
    for family in ("phrased", "replayed"):
        assert list(by_family[family]["to_first"]["welfare"].values()) == [0.0, 0.0, 0.0]
    assert by_family["decided"]["to_first"]["welfare"]["mean"] != 0.0
    assert by_family["decided"]["user_error"] > 0.0
    shown = CliRunner().invoke(main, args)
    assert shown.exit_code == 0
    assert "worst" in shown.stdout
    assert "Traceback" not in shown.output


def test_only_the_user_may_differ(
    tmp_path: Path, make_plan: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    run(make_plan(5), tmp_path / "a")
    run(make_plan(5, user="patient"), tmp_path / "b")
    run(make_plan(5, user="patient", seed=4), tmp_path / "seed")
    run(make_plan(5, assistant="CQ"), tmp_path / "other")
    run(make_plan(5, words=Words()), tmp_path / "words")

    def refused(*names: str) -> str:
        result = CliRunner().invoke(
            main, ["compare", "--by", "user", *(str(tmp_path / n) for n in names)]
        )
        assert result.exit_code == 2, result.output
        return " ".join(result.stderr.split())

    assert (
        CliRunner()
        .invoke(main, ["compare", "--by", "user", *(str(tmp_path / n) for n in "ab")])
        .exit_code
        == 0
    )
    assert "seed: 3 then, 4 now" in refused("a", "seed")
    assert "assistant: 'clarify_once' then, 'CQ' now" in refused("a", "other")
    assert "two runs or more" in refused("a")
    assert "named twice" in refused("a", "a")
    assert "nothing" in refused("a", "nothing")
    # by moves or in words is the same play, so these two can be compared
    assert (
        CliRunner()
        .invoke(main, ["compare", "--by", "user", str(tmp_path / "a"), str(tmp_path / "words")])
        .exit_code
        == 0
    )


def test_families_are_listed() -> None:
    listed = json.loads(CliRunner().invoke(main, ["agents", "families", "--json"]).stdout)
    assert [one["name"] for one in listed] == list(FAMILIES)
    assert "phrased" in CliRunner().invoke(main, ["agents", "families"]).stdout
    wrong = CliRunner().invoke(main, ["agents", "familes"])
    assert "Did you mean 'families'" in " ".join(wrong.stderr.split())
