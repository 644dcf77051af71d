"""Gradio, where it is installed, and how we put our own HTML on its pages."""

from __future__ import annotations

from functools import partial
from typing import Any

from gtalign_env.errors import MissingExtraError


def gradio() -> Any:
    """Return the library.

    Raises:
        MissingExtraError: Gradio is not installed.
    """
    try:
        import gradio as library
    except ImportError:
        raise MissingExtraError("gtalign ui", "ui") from None
    return library


def html_of(gr: Any) -> Any:
    """Return what makes a block of our own HTML, without the library's style for text."""
    return partial(gr.HTML, apply_default_css=False, js_on_load=None)
