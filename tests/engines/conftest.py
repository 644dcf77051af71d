"""A vLLM server on loopback; and what vLLM on a CPU needs to be told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gtalign_agents.backends.chat import Fault, Message, Request, Sampling
from gtalign_agents.backends.openai_http import OpenAIHttp

# GiB; left to itself it takes nearly all memory for its cache
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")

READY_IN = 300  # seconds; it loads slowly on a CPU


@contextmanager
def served(folder: str, *more: str) -> Iterator[OpenAIHttp]:
    """Give a model on a server of its own, which can continue turns and hold to grammars.

    Args:
        folder: The model.
        more: Further options of the server.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", folder),
        *("--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port)),
        *("--dtype", "float32", "--enforce-eager", *more),
    ]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}/v1"
        model = OpenAIHttp(
            address, "tiny", deadline=60.0, attempts=1, continues=True, grammars=True
        )
        hello = Request((Message("user", "x"),), Sampling(max_tokens=1))
        began = time.monotonic()
        while isinstance(model.complete([hello])[0], Fault):
            assert child.poll() is None, "the server has ended"
            assert time.monotonic() - began < READY_IN, "the server is not ready"
            time.sleep(1.0)
        yield model
    finally:
        child.terminate()
        child.wait(60)
