"""Docstrings of environments: the fixed headings, and numbers that are true."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import gymnasium
import numpy as np
import pettingzoo
import pytest

from gtalign_env.envs import ENVS

HEADINGS = [
    "Description",
    "Action Space",
    "Observation Space",
    "Rewards",
    "Starting State",
    "Episode End",
    "Arguments",
    "Version History",
]
ENTRY_POINTS = [(env_id, point) for env_id, points in ENVS.items() for point in points]


def class_of(entry_point: str) -> type[Any]:
    module, _, name = entry_point.partition(":")
    found: type[Any] = getattr(importlib.import_module(module), name)
    return found


def sections(entry_point: str) -> dict[str, str]:
    """Return the body of each headed section of an environment's docstring."""
    text = inspect.getdoc(class_of(entry_point)) or ""
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True))


@pytest.mark.parametrize(("env_id", "entry_point"), ENTRY_POINTS)
def test_the_headings_are_all_there_in_order(env_id: str, entry_point: str) -> None:
    found = sections(entry_point)
    assert list(found) == HEADINGS
    assert all(found.values())
    version = env_id.rpartition("-")[2]
    assert found["Version History"].startswith(f"{version}: ")


def spaces_of(env_id: str, entry_point: str) -> list[tuple[Any, Any]]:
    """Return (observation space, action space) of every seat."""
    if entry_point == ENVS[env_id][0]:
        envs = [gymnasium.make(env_id, seat=seat) for seat in ("user", "assistant")]
        return [(env.observation_space, env.action_space) for env in envs]
    both = pettingzoo.make("aec", env_id)
    return [(both.observation_space(a), both.action_space(a)) for a in both.possible_agents]


@pytest.mark.parametrize(("env_id", "entry_point"), ENTRY_POINTS)
def test_the_spaces_are_those_described(env_id: str, entry_point: str) -> None:
    text = " ".join(sections(entry_point)["Observation Space"].split())
    acts = " ".join(sections(entry_point)["Action Space"].split())
    seats = spaces_of(env_id, entry_point)
    boxes = re.findall(r"Box\((-?\d+), (-?\d+), \((\d+),\)(?:, (\w+))?\)", text)
    assert boxes
    for observation, _ in seats:
        named = [observation]
        if isinstance(observation, gymnasium.spaces.Dict):
            assert re.findall(r"(\w+): (?:Box|Utterance)", text) == list(
                sorted(observation.spaces, key=["observation", "action_mask", "text"].index)
            )
            named = [observation["observation"], observation["action_mask"]]
        assert len(boxes) == len(named)
        for (low, high, size, dtype), box in zip(boxes, named, strict=True):
            assert isinstance(box, gymnasium.spaces.Box)
            assert box.shape == (int(size),)
            assert (box.low.min(), box.high.max()) == (int(low), int(high))
            assert box.dtype == np.dtype(dtype or "float32")
    if "Utterance" in acts:
        assert all(type(action).__name__ == "Utterance" for _, action in seats)
    else:
        sizes = [int(n) for n in re.findall(r"Discrete\((\d+)\)", acts)]
        assert sizes == [action.n for _, action in seats]
        for size, listed in zip(
            sizes, re.findall(r"Discrete\(\d+\)``: ([^.]*)\.", acts), strict=True
        ):
            assert len(listed.split(", ")) == size


def arguments(entry_point: str) -> str:
    """Return the section on arguments, with those of the environments it refers to."""
    text = " ".join(sections(entry_point)["Arguments"].split())
    kind = next(points.index(entry_point) for points in ENVS.values() if entry_point in points)
    for other, both in re.findall(r"`(gtalign/[\w-]+)`( for PettingZoo)?", text):
        text += arguments(ENVS[other][1 if both else kind])
    return text


@pytest.mark.parametrize(("env_id", "entry_point"), ENTRY_POINTS)
def test_every_argument_is_described(env_id: str, entry_point: str) -> None:
    described = arguments(entry_point)
    for name in list(inspect.signature(class_of(entry_point).__init__).parameters)[1:]:
        assert f"``{name}``" in described, name


@pytest.mark.parametrize(("env_id", "entry_point"), ENTRY_POINTS)
def test_metadata_names_the_render_modes(env_id: str, entry_point: str) -> None:
    metadata = class_of(entry_point).metadata
    assert metadata["render_modes"] == ["ansi", "human"]
    if entry_point == ENVS[env_id][1]:
        assert metadata["name"] == env_id.partition("/")[2].lower().replace("-", "_")
        assert metadata["is_parallelizable"] is False
