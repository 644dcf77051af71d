"""How the site is built: `make docs` writes it to `docs/_build/html`, without a network."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

project = "gtalign-env"
author = "the gtalign-env authors"
project_copyright = "the gtalign-env authors, MIT licence"
release = version = importlib.metadata.version("gtalign-env")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "notebooks/*.py"]
templates_path = ["_templates"]

# pages are read on code hosts too: their anchors are the site's
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

# notebooks are stored with what they print, and tests run them again and compare
nb_execution_mode = "off"
nb_merge_streams = True

# annotations name types of other libraries, whose inventories are elsewhere on the web
nitpick_ignore_regex = [("py:.*", ".*")]

smartquotes = False  # what is written is what can be typed
default_role = "literal"  # a single backtick in a docstring is code, as in the pages
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_type_aliases = {
    name: name
    for name in (
        "Aggregator",
        "Array",
        "AssistantSeat",
        "Distribution",
        "FloatArray",
        "GameLike",
        "Mask",
        "Meter",
        "PricingLike",
        "ScenarioLike",
        "TasksLike",
        "UserSeat",
    )
}
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("References", "notes_style")]

html_theme = "furo"
html_title = "gtalign-env"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_prompt_text = "$ "


def setup(app: Any) -> None:
    """Tell Sphinx of what is ours."""
    from making.site import DarkPictures, outside_links, plain_docstring, plain_signature

    app.add_transform(DarkPictures)
    app.connect("include-read", outside_links)
    app.connect("autodoc-process-docstring", plain_docstring, priority=100)  # before Napoleon
    app.connect("autodoc-process-signature", plain_signature)
