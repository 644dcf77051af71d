"""Conversations as data inside a page: an index that is read at once, the rest compressed.

JSON inside HTML has its ``<``, ``>``, ``&`` and the two line separators of Unicode escaped, so it
can neither end its element nor begin another. The conversations themselves stand in chunks, each
deflated and in base 64: a chunk is unpacked when one of its conversations is opened.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

from gtalign_training.report.html import Html, tag
from gtalign_training.report.parts import Talks
from gtalign_training.report.talks import preview

CHUNK = 64
"""Conversations that are unpacked together."""

_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def json_text(data: Any) -> str:
    """Return data as JSON that may stand inside a script element.

    Args:
        data: Plain JSON data; lone surrogates become U+FFFD.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode("utf-8").translate(_ESCAPES)


def json_script(name: str, data: Any) -> Html:
    """Return data as an element that scripts read and browsers do not run.

    Args:
        name: Its id.
        data: Plain JSON data.
    """
    return tag("script", Html(json_text(data)), type="application/json", id=name)


def packed(records: Sequence[Any]) -> str:
    """Return records as JSON, deflated, in base 64.

    Args:
        records: Plain JSON data.
    """
    text = json.dumps(records, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode("ascii")


def conversations(talks: Sequence[Talks]) -> list[Html]:
    """Return the elements that hold all conversations.

    Args:
        talks: Those of every result.
    """
    every = [(k, record) for k, some in enumerate(talks) for record in some.records]
    index = {
        "chunk": CHUNK,
        "runs": [{"name": some.name, "matrices": some.matrices} for some in talks],
        "rows": [_row(run, record) for run, record in every],
    }
    return [json_script("index", index), *_chunks([record for _, record in every])]


def _chunks(records: Sequence[Any]) -> Iterator[Html]:
    for number, start in enumerate(range(0, len(records), CHUNK)):
        yield tag(
            "script",
            packed(records[start : start + CHUNK]),
            type="text/plain",
            class_="chunk",
            id=f"chunk-{number}",
        )


def _row(run: int, record: dict[str, Any]) -> list[Any]:
    """Return what the list and its filters need of a conversation."""
    fault = record["fault"]
    turns = record["turns"]
    labels = sorted({str(label) for turn in turns for label in turn.get("labels") or ()})
    signs = [
        sign
        for sign, found in (
            ("steered", any(turn.get("steered") for turn in turns)),
            ("four blocks", any("blocks" in beside for beside in record["beside"])),
            ("broken blocks", any("broken" in beside for beside in record["beside"])),
        )
        if found
    ]
    return [
        run,
        record["key"],
        record["regime"],
        record["persona"],
        record["ending"],
        "" if fault is None else f"{fault.get('seat')}: {fault.get('kind')}",
        sorted({str(turn["move"]) for turn in turns if turn.get("move") is not None}),
        [*labels, *signs],
        record["welfare"],
        preview(record),
    ]
