"""Loading a Hugging Face model: the one place that does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gtalign_env.errors import RunError


def load_weights(path: str | Path) -> tuple[Any, Any]:
    """Return a saved or published model and its tokenizer; in bf16 on a GPU, else in float32.

    Args:
        path: Folder, or name on the hub.

    Raises:
        RunError: It is not there, or it is damaged.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    gpu = torch.cuda.is_available()
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(path), padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(
            str(path), dtype=torch.bfloat16 if gpu else torch.float32
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise RunError(
            f"the model {str(path)!r} must be a folder or a name that transformers can load; "
            f"it says: {str(error).splitlines()[0]}"
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return (model.to("cuda") if gpu else model), tokenizer
