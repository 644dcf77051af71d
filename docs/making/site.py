"""What the site does with pages that code hosts show as they are: dark pictures, outside links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform


class DarkPictures(SphinxTransform):
    """Beside ``img/NAME.png`` put ``img/NAME_dark.png``, if there is one, for dark screens."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Double the pictures of a page that have a dark variant."""
        folder = Path(self.env.srcdir) / Path(self.env.docname).parent
        for image in [*self.document.findall(nodes.image)]:
            uri = Path(image["uri"])
            dark = uri.with_name(f"{uri.stem}_dark{uri.suffix}")
            if not (folder / dark).exists():
                continue
            other = image.deepcopy()
            other["uri"] = dark.as_posix()
            image["classes"].append("only-light")
            other["classes"].append("only-dark")
            image.parent.insert(image.parent.index(image) + 1, other)
