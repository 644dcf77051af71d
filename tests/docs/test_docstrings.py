"""Every public name says what it is, and every array says its shape: read off the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gtalign_env", "agents/gtalign_agents", "training/gtalign_training")
FILES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Public(NamedTuple):
    """A public definition: where it is, what it says, and what its annotations mention."""

    name: str
    line: int
    doc: str
    annotations: set[str]


def words(node: ast.AST | None) -> set[str]:
    """Return the names that an annotation mentions."""
    found: set[str] = set()
    for part in ast.walk(node) if node is not None else ():
        if isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Attribute):
            found.add(part.attr)
    return found


def public(body: list[ast.stmt], owner: str = "") -> Iterator[Public]:
    """Yield the public functions, classes and methods of a module or class."""
    for node in body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        doc = ast.get_docstring(node) or ""
        if isinstance(node, ast.ClassDef):
            fields = [part for part in node.body if isinstance(part, ast.AnnAssign)]
            mentioned = set().union(*(words(part.annotation) for part in fields))
            yield Public(f"{owner}{node.name}", node.lineno, doc, mentioned)
            yield from public(node.body, f"{owner}{node.name}.")
        else:
            given = node.args
            taken = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            mentioned = words(node.returns).union(
                *(words(one.annotation) for one in taken if one is not None)
            )
            yield Public(f"{owner}{node.name}", node.lineno, doc, mentioned)


def array_names() -> set[str]:
    """Return the names that stand for arrays: NumPy's own, and module-level aliases of them."""
    found = {"ndarray", "NDArray"}
    for file in FILES:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and isinstance(node.value, ast.Subscript)
                and words(node.value.value) & {"ndarray", "NDArray"}
            ):
                found.add(node.targets[0].id)
    return found


ARRAYS = array_names()


def complaints(source: str) -> list[str]:
    """Return what is missing in a module, one line each."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) else ["1: the module has no docstring"]
    for one in public(tree.body):
        if not one.doc:
            found.append(f"{one.line}: {one.name} has no docstring")
        elif one.annotations & ARRAYS and "shape" not in one.doc.lower():
            found.append(f"{one.line}: {one.name} has to do with arrays and says no shape")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_public_names_are_documented_and_arrays_have_a_shape(file: Path) -> None:
    assert complaints(file.read_text(encoding="utf-8")) == []


def test_the_check_notices_what_is_missing() -> None:
    assert complaints("x = 1") == ["1: the module has no docstring"]
    assert complaints('"""M."""\ndef f(): ...') == ["2: f has no docstring"]
    assert complaints('"""M."""\nclass A:\n  """A."""\n  def f(self): ...') == [
        "4: A.f has no docstring"
    ]
    mean = '"""M."""\ndef f(x: NDArray[np.float64]) -> float:\n  """Return the mean."""'
    assert complaints(mean) == ["2: f has to do with arrays and says no shape"]
    assert complaints(mean.replace("mean.", "mean; shape ``(n,)``.")) == []
    assert complaints('"""M."""\ndef _f(x): ...') == []


def test_aliases_of_arrays_are_known() -> None:
    assert {"FloatArray", "Array", "Mask"} <= ARRAYS
