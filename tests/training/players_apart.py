"""Two processes share a model in shards; one lets it speak once, the other three times.

Writes, for each process, what the model said, and whether its weights were in shards again.

    python -m torch.distributed.run --nproc-per-node 2 tests/training/players_apart.py FOLDER
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gtalign_training.language.shards import whole_weights
from gtalign_training.language.tiny.model import build_model, build_tokenizer


def sharded_trainer() -> Any:
    """Return what `whole_weights` reads of a trainer, with an untrained model in shards."""
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    model = build_model(build_tokenizer(["a", "b", "c"]), layers=2, hidden=32, seed=0).eval()
    for layer in model.model.layers:
        fully_shard(layer)
    fully_shard(model)
    register_fsdp_forward_method(model, "generate")
    state = SimpleNamespace(fsdp_plugin=SimpleNamespace(reshard_after_forward=True))
    return SimpleNamespace(
        is_fsdp_enabled=True, model=model, accelerator=SimpleNamespace(state=state)
    )


def main(folder: Path) -> None:
    """Speak, then take a forward and backward pass together."""
    import torch
    from torch.distributed import barrier, destroy_process_group, init_process_group
    from torch.distributed.tensor import DTensor

    init_process_group("gloo")
    rank = int(os.environ["RANK"])
    trainer = sharded_trainer()
    ids, said = torch.tensor([[3, 4]]), []
    with torch.no_grad(), whole_weights(trainer):
        for _ in range(1 if rank == 0 else 3):
            ids = trainer.model.generate(input_ids=ids, max_new_tokens=4, do_sample=False)
            said.append(ids[0].tolist())
    trainer.model(input_ids=torch.tensor([[3, 4]])).logits.sum().backward()
    sharded = all(isinstance(part, DTensor) for part in trainer.model.parameters())
    (folder / f"{rank}.json").write_text(json.dumps({"said": said, "sharded": sharded}))
    barrier()
    destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
