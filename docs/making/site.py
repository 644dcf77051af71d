"""What the site does with pages that code hosts show as they are: dark pictures, outside links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

DRAWINGS = ("exchange", "moves", "money")
"""Pictures with words in them, which a narrow screen scrolls instead of shrinking."""


class DarkPictures(SphinxTransform):
    """Beside ``img/NAME.png`` put ``img/NAME_dark.png``, if there is one, for dark screens."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Double the pictures of a page that have a dark variant."""
        folder = Path(self.env.srcdir) / Path(self.env.docname).parent
        for image in [*self.document.findall(nodes.image)]:
            uri = Path(image["uri"])
            dark = uri.with_name(f"{uri.stem}_dark{uri.suffix}")
            if uri.stem in DRAWINGS:
                image["classes"].append("drawing")
            if not (folder / dark).exists():
                continue
            other = image.deepcopy()
            other["uri"] = dark.as_posix()
            image["classes"].append("only-light")
            other["classes"].append("only-dark")
            image.parent.insert(image.parent.index(image) + 1, other)


def outside_links(_app: Any, _path: Path, _page: str, content: list[str]) -> None:
    """Turn the links of a file above `docs` into links of the page that includes it."""
    text = content[0].replace("](docs/", "](")
    content[0] = text.replace("](CHANGELOG.md)", "](changes.md)").replace(
        "](CONTRIBUTING.md)", "](contributing.md)"
    )


def plain_docstring(
    _app: Any, what: str, _name: str, _thing: Any, _options: Any, lines: list[str]
) -> None:
    """Turn what is Markdown in a docstring into what Sphinx reads: headings, fences, tables."""
    # Napoleon takes what stands before a colon in an attribute's first line for its type: an empty
    # comment comes first
    out: list[str] = ["..", ""] if what in ("attribute", "data", "property") else []
    fenced = False
    for line in lines:
        if line.lstrip().startswith("```"):
            fenced = not fenced
            out += ["", ".. code-block:: text", ""] if fenced else [""]
        elif fenced:
            out.append(f"    {line}")
        elif found := re.match(r"## (.+)", line):
            out += ["", f".. rubric:: {found[1]}", ""]
        elif line.lstrip().startswith("|"):
            if not (out and out[-1].startswith("    |")):
                out += ["", "::", ""]
            out.append(f"    {line.strip()}")
        else:
            if out and out[-1].startswith("    |"):
                out.append("")
            out.append(line)
    lines[:] = [] if lines and lines[0].startswith("Alias for field number") else out


def plain_signature(
    _app: Any, _what: str, _name: str, _thing: Any, _options: Any, taken: str, given: str
) -> tuple[str, str]:
    """Turn what Sphinx leaves of an alias inside a tuple into the alias."""
    alias = re.compile(r"TypeAliasForwardRef\('(\w+)'\)")
    return tuple(alias.sub(r"\1", one) if one else one for one in (taken, given))
