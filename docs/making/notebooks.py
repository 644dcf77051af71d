"""Notebooks: from the paired script to an executed notebook, small and without traces of the machine.

```
python docs/making/notebooks.py             execute all and store them
python docs/making/notebooks.py first_steps one of them
```
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = ("first_steps", "pricing_dilemma", "train_and_steer")
LIMIT_S = 600
"""Longest time of a cell: far more than it takes, so that a busy machine does not fail."""


def script(name: str) -> Path:
    """Return the script that a notebook is paired with."""
    return FOLDER / f"{name}.py"


def stored(name: str) -> Path:
    """Return the notebook as it is kept."""
    return FOLDER / f"{name}.ipynb"


def executed(name: str) -> Any:
    """Return a notebook made from its script and run in an empty folder, cleaned.

    Raises:
        CellExecutionError: A cell failed.
    """
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(script(name))
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            notebook,
            timeout=LIMIT_S,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
        ).execute()
    return cleaned(notebook)


def cleaned(notebook: Any) -> Any:
    """Return a notebook without what differs from run to run: times, counts, ids, warnings."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index}"
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
            for one in cell.outputs:
                one.pop("execution_count", None)
                if one.output_type == "execute_result":
                    one["output_type"] = "display_data"
                if "data" in one:
                    one["metadata"] = {}
                if "image/png" in one.get("data", {}):
                    one["data"] = {"image/png": one["data"]["image/png"]}  # no repr of the object
    return notebook


def sources(notebook: Any) -> list[tuple[str, str]]:
    """Return kind and source of every cell."""
    return [(cell.cell_type, cell.source.strip()) for cell in notebook.cells]


def texts(notebook: Any) -> list[str]:
    """Return what the cells printed, addresses of memory taken out."""
    found = []
    for cell in notebook.cells:
        for one in cell.get("outputs", []):
            text = one.get("text") or one.get("data", {}).get("text/plain") or ""
            if text:
                found.append(re.sub(r"0x[0-9a-f]{6,}", "0x", text))
    return found


def main(names: list[str]) -> None:
    """Execute notebooks and store them."""
    import nbformat

    for name in names or NAMES:
        nbformat.write(executed(name), stored(name))
        sys.stdout.write(f"{stored(name).name} written\n")


if __name__ == "__main__":
    main(sys.argv[1:])
