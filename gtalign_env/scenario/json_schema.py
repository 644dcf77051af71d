"""JSON Schemas of the authored files, for editors and other programs.

They are generated from the models that check the files, and shipped beside the library, so that an
editor finds them without this package. A JSON Schema cannot say everything that the models do:
names that must exist, numbers that depend on each other, and what YAML itself may look like are for
``gtalign validate``. Whatever the models accept, the schemas accept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gtalign_env.scenario.library import scenario_root

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The version of JSON Schema that is written.

References:
    JSON Schema 2020-12, https://json-schema.org/draft/2020-12.
"""


def json_schema(model: type[BaseModel], schema: str) -> dict[str, Any]:
    """Return the JSON Schema of a file.

    Args:
        model: The file's model.
        schema: Its schema line, such as ``gtalign/persona/1``.
    """
    return {"$schema": DIALECT} | model.model_json_schema() | {"title": schema}


def schema_text(model: type[BaseModel], schema: str) -> str:
    """Return the JSON Schema of a file as it is shipped; arguments as for `json_schema`."""
    return json.dumps(json_schema(model, schema), indent=1, ensure_ascii=False) + "\n"


def shipped_schema(kind: str) -> Path:
    """Return where the JSON Schema of a kind is in this installation.

    Args:
        kind: Name of the kind.
    """
    return scenario_root() / "schemas" / f"{kind}.json"
