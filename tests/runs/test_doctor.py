"""`gtalign doctor`: a whole installation passes, and every planted defect is told with its cure."""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import pytest
from typer.testing import CliRunner

import gtalign_env.core.exact as exact
from gtalign_training.cli import main
from gtalign_training.doctor import DISTRIBUTION, Finding, examine, self_check
from gtalign_training.doctor import checks as doctor
from gtalign_training.doctor.packages import requirements, satisfies

RUN = CliRunner()


def found(name: str) -> list[Finding]:
    """Return the findings of one check."""
    checks = dict(doctor.CHECKS)
    return list(checks[name]())


def problems(name: str) -> list[Finding]:
    return [one for one in found(name) if one.status == "problem"]


def test_this_installation_is_whole() -> None:
    result = RUN.invoke(main, ["doctor", "--json"])
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert data["ok"] is True
    names = [check["name"] for check in data["checks"]]
    assert {"python", "numpy", "extra sb3", "accelerator", "library", "agents"} <= set(names)
    assert {"gtalign/Conversation-v0", "gtalign/RepeatedGame-v0"} <= set(names)
    assert all(set(check) == {"name", "status", "detail", "fix"} for check in data["checks"])


def test_a_wrong_matrix_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    distance, cells = self_check()
    assert cells == 28
    assert 0.0 < distance <= doctor.STANDARD_ERRORS
    real = exact.normal_form

    def shifted(spec: Any) -> Any:
        game = real(spec).game
        user = np.array(game.user)
        user[1, 2] += 1.0
        return SimpleNamespace(game=replace(game, user=user))

    monkeypatch.setattr(exact, "normal_form", shifted)
    (one,) = problems("self-check")
    assert "farthest" in one.detail
    assert "reinstall" in one.fix


def test_missing_and_old_packages_are_told_with_the_command_that_installs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = importlib.metadata.version
    fake = {"numpy": "1.20.0", "stable-baselines3": None}

    def version(name: str) -> str:
        if name in fake and fake[name] is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return fake.get(name) or real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    (old,) = problems("versions")
    assert old.name == "numpy"
    assert old.detail == "1.20.0; >=1.26 is needed"
    assert old.fix == 'pip install "numpy>=1.26"'
    (sb3,) = [one for one in found("extras") if one.name == "extra sb3"]
    assert sb3.status == "note"
    assert sb3.detail == "stable-baselines3 is not installed"
    assert sb3.fix == 'pip install "gtalign-env[sb3]"'


def test_broken_and_missing_search_folders_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "personas").mkdir()
    broken = tmp_path / "personas" / "mine.yaml"
    broken.write_text("schema: gtalign/persona/1\nvalu: 3\n")
    monkeypatch.setenv("GTALIGN_PATH", str(tmp_path))
    assert [one.detail for one in found("search path")] == [f"{tmp_path}: 1 files"]
    (one,) = problems("library")
    assert one.fix == f"gtalign validate {broken}"
    monkeypatch.setenv("GTALIGN_PATH", str(tmp_path / "nowhere"))
    (lost,) = problems("search path")
    assert "is no folder" in lost.detail
    result = RUN.invoke(main, ["doctor", "--problems"])
    assert result.exit_code == 3
    assert "-> make the folder, or take it out of GTALIGN_PATH" in result.stdout
    assert "ok " not in result.stdout


def test_folders_that_cannot_be_written_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(dir: Path) -> None:  # as the library names it
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    both = problems("folders")
    assert [one.name for one in both] == ["working folder", "temporary folder"]
    assert all("Permission denied" in one.detail for one in both)


def test_ids_that_are_not_registered_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(gymnasium.registry, "gtalign/Dialogue-v0")
    (one,) = problems("environments")
    assert (one.name, one.detail) == ("gtalign/Dialogue-v0", "not registered: gymnasium")


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> Any:
        raise ImportError("no libfoo")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (("agents", broken), ("path", doctor._search_path)))
    first, second = examine()
    assert first == Finding("agents", "problem", "ImportError: no libfoo")
    assert second.status == "ok"


@pytest.mark.parametrize(
    ("version", "wanted", "holds"),
    [
        ("2.4.6", ">=1.26", True),
        ("1.25.9", ">=1.26", False),
        ("2.0", "<2", False),
        ("1.99", ">=1.2.2,<2", True),
        ("5.24", ">=5.17,<5.24", False),
        ("1.16.0", "==1.16", True),
        ("1.16.1", "==1.16.0", False),
        ("2.13.0+cpu", ">=2.8", True),
        ("3.0rc1", "!=3.0", False),
        ("1.4.9", "~=1.4.2", True),
        ("1.5", "~=1.4.2", False),
        ("1", "", True),
    ],
)
def test_versions_lie_in_ranges(version: str, wanted: str, holds: bool) -> None:
    assert satisfies(version, wanted) is holds


def test_requirements_are_those_of_the_metadata() -> None:
    always = {need.name for need in requirements(DISTRIBUTION)}
    assert {"numpy", "gymnasium", "typer"} <= always
    assert {need.name for need in requirements(DISTRIBUTION, "sb3")} >= {
        "stable-baselines3",
        "sb3-contrib",
    }
    assert always.isdisjoint({"stable-baselines3", "trl"})
    assert requirements(DISTRIBUTION, "nothing") == []
