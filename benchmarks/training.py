"""Where the time of a training step goes, beside plain TRL on the same model.

One recipe of `grpo` or `rloo` is trained for a few steps with every phase timed: generation, our own
code (users, parsing, rewards, advantages, logs), forward and backward passes, and the rest, which is
TRL's and the optimiser's. Then TRL's own trainer is run on the same model, with the same number of
completions as long as one turn may be, a reward that costs nothing, and no conversation.

    python benchmarks/training.py                       # the tiny model
    python benchmarks/training.py small-gpu --steps 5 --tflops 989

The share of ours is of the whole step. MFU needs the device's peak: 2 FLOPs per parameter and token of
generation, 6 of a training pass (Kaplan et al., 2020, sec. 2.1), embeddings left out.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from gtalign_training.callbacks import quiet, silent
from gtalign_training.commands.train import with_options
from gtalign_training.game import open_talk, training_table
from gtalign_training.language import conversations, grpo
from gtalign_training.language.models import Assistant, new_assistant
from gtalign_training.language.sft import warm_start
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.recipe.language import GrpoModel
from gtalign_training.run_folder import RunFolder

PHASES = ("generate", "ours", "passes", "rest")
WARM_UP = 1
"""Steps that are not counted: the first one loads and compiles."""


class Clock:
    """Adds up the seconds and tokens of each phase, step by step."""

    def __init__(self) -> None:
        self.now: dict[str, float] = defaultdict(float)
        self.steps: list[dict[str, float]] = []

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, its time added to a phase."""

        def run(*args: Any, **kw: Any) -> Any:
            _settle()
            begun = time.perf_counter()
            try:
                return function(*args, **kw)
            finally:
                _settle()
                self.now[name] += time.perf_counter() - begun

        return run

    def end(self, seconds: float) -> None:
        """Close a step that took so long."""
        self.steps.append({**self.now, "step": seconds})
        self.now = defaultdict(float)

    def medians(self) -> dict[str, float]:
        """Return the median of every phase over the counted steps."""
        counted = self.steps[WARM_UP:]
        names = dict.fromkeys(name for step in counted for name in step)
        return {name: median(step.get(name, 0.0) for step in counted) for name in names}


def _settle() -> None:
    """Wait for the device, so that time is charged where it is spent."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def timed_trainer(clock: Clock, base: Any) -> Any:
    """Return a trainer that times its generation, passes and steps."""

    class Timed(base):
        def _generate_single_turn(self, *args: Any, **kw: Any) -> Any:
            out = clock.timed("generate", super()._generate_single_turn)(*args, **kw)
            clock.now["generated"] += sum(len(row) for row in out[0])
            return out

        def _prepare_inputs(self, batch: Any) -> Any:
            return clock.timed("prepare", super()._prepare_inputs)(batch)

        def training_step(self, *args: Any, **kw: Any) -> Any:
            return clock.timed("training_step", super().training_step)(*args, **kw)

        def _compute_loss(self, model: Any, inputs: Any) -> Any:
            clock.now["trained"] += int(
                inputs["completion_mask"].sum() + inputs["prompt_mask"].sum()
            )
            return super()._compute_loss(model, inputs)

    return Timed


def steps_of(clock: Clock) -> Any:
    """Return a callback that closes the clock's steps."""
    from transformers import TrainerCallback

    class Steps(TrainerCallback):
        begun = 0.0

        def on_step_begin(self, *args: Any, **kw: Any) -> None:
            _settle()
            self.begun = time.perf_counter()

        def on_step_end(self, *args: Any, **kw: Any) -> None:
            _settle()
            clock.end(time.perf_counter() - self.begun)

    return Steps()


def ours(recipe: Recipe, assistant: Assistant, folder: RunFolder) -> Clock:
    """Return the times of this project's trainer."""
    clock = Clock()
    play, trainer, callbacks = (
        conversations.Conversations.batch, grpo.group_trainer, grpo.trainer_callbacks,
    )  # fmt: skip
    advantages = grpo.RolloutFunction.advantages
    log = RunFolder.log
    try:
        conversations.Conversations.batch = clock.timed("batch", play)
        grpo.RolloutFunction.advantages = clock.timed("credit", advantages)
        RunFolder.log = clock.timed("log", log)
        grpo.group_trainer = lambda: timed_trainer(clock, trainer())
        grpo.trainer_callbacks = lambda *args: [*callbacks(*args), steps_of(clock)]
        grpo.fine_tune(recipe, assistant, folder, silent)
    finally:
        conversations.Conversations.batch = play
        grpo.RolloutFunction.advantages = advantages
        RunFolder.log = log
        grpo.group_trainer, grpo.trainer_callbacks = trainer, callbacks
    return clock


def plain(recipe: Recipe, assistant: Assistant, folder: Path) -> Clock:
    """Return the times of TRL's own trainer: prompts in, completions out, lengths as reward."""
    import torch
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    clock, section = Clock(), recipe.language
    assert isinstance(section, GrpoModel)
    made = conversations.Conversations(recipe, assistant.tokenizer)
    rollouts = section.prompts * section.group
    prompts = []
    for index in range(section.prompts):
        talk = open_talk(made.table, index)
        text = talk.word_user(made.user(talk.conversation.user_view(), 0.0))
        prompts.append(assistant.tokenizer.decode(made.chat.prompt("", text)))
    micro_batch, gpu = section.micro_batch or rollouts, torch.cuda.is_available()
    args = GRPOConfig(
        output_dir=str(folder),
        max_steps=section.steps,
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=rollouts // micro_batch,
        num_generations=section.group,
        max_completion_length=section.turn_tokens,
        beta=section.beta,
        entropy_coef=section.entropy,
        learning_rate=1e-9,  # it shall stay as it is
        bf16=gpu,
        use_cpu=not gpu,
        gradient_checkpointing=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_steps=1,
    )
    trainer = timed_trainer(clock, GRPOTrainer)(
        model=assistant.model,
        reward_funcs=lambda completions, **rest: [float(len(one)) for one in completions],
        args=args,
        train_dataset=Dataset.from_dict({"prompt": prompts * section.steps}),
        processing_class=assistant.tokenizer,
        callbacks=[steps_of(clock)],
    )
    quiet(trainer)
    trainer.train()
    return clock


def shares(times: dict[str, float]) -> dict[str, float]:
    """Return the seconds of each phase of a step; they sum to the step's."""
    own = times.get("batch", 0.0) + times.get("credit", 0.0) + times.get("log", 0.0)
    generate = times["generate"]
    mine = max(0.0, own - generate) if "batch" in times else 0.0
    passes = times["training_step"] - times["prepare"]
    rest = times["step"] - generate - mine - passes
    return {"generate": generate, "ours": mine, "passes": passes, "rest": rest}


def line(name: str, clock: Clock, parameters: int, tflops: float | None) -> str:
    """Return the row of a trainer."""
    times = clock.medians()
    parts = shares(times)
    cells = [f"{name:<10}{times['step']:9.3f}"]
    cells += [f"{parts[phase] / times['step']:9.1%}" for phase in PHASES]
    cells += [f"{times['generated'] / times['generate']:12,.0f}"]
    cells += [f"{times['trained'] / parts['passes']:12,.0f}"]
    if tflops is not None:
        work = parameters * (2 * times["generated"] + 6 * times["trained"])
        cells.append(f"{work / times['step'] / tflops / 1e12:8.1%}")
    return "".join(cells)


def memory() -> str:
    """Return the most memory that was held, in words."""
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB on the GPU"
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB of the process"


def main() -> None:
    """Print the table."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", nargs="?", default="tiny-grpo")
    parser.add_argument("--steps", type=int, default=12, help="counted are all but the first")
    parser.add_argument("--sft", type=int, default=300, help="steps of the warm start")
    parser.add_argument("--tflops", type=float, help="peak of the device, for MFU")
    asked = parser.parse_args()
    data = with_options(load_recipe(asked.recipe), steps=asked.steps).plain()
    if data["sft"] is not None:
        data["sft"]["steps"] = asked.sft
    recipe = Recipe.model_validate(data, strict=False)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as where:
        folder = RunFolder.open(Path(where) / "run", recipe, [], resume=False)
        start = new_assistant(recipe, training_table(recipe).specs)
        start = warm_start(recipe, start, folder, silent)
        embeddings = start.model.get_input_embeddings().weight.numel()
        parameters = sum(p.numel() for p in start.model.parameters()) - embeddings
        mine = ours(recipe, start, folder)
        own_memory = memory()
        theirs = plain(recipe, start, Path(where) / "plain")
    where_run = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU, one thread"
    print(f"{asked.recipe}: {parameters:,} parameters without embeddings, on {where_run};")
    print(f"medians of {asked.steps - WARM_UP} steps; at most {own_memory}")
    mfu = "" if asked.tflops is None else f"{'MFU':>8}"
    heads = "".join(f"{phase:>9}" for phase in PHASES)
    print(f"{'':<10}{'s a step':>9}{heads}{'gen. tok/s':>12}{'train tok/s':>12}{mfu}")
    print(line("ours", mine, parameters, asked.tflops))
    print(line("plain TRL", theirs, parameters, asked.tflops))


if __name__ == "__main__":
    main()
