# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Train and steer
#
# An assistant is trained under one price. Then the price changes. What does it do, what can be saved without
# training, and what does training anew bring? All welfares here are exact expectations, not samples.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from gtalign_agents.steering import edit_for, move_of, usage_of_cells
from gtalign_agents.table import user_agent
from gtalign_env import bayes_oracle, compile_scenario, load_scenario, normal_form
from gtalign_env.core.mixed import assistant_mix, user_mix
from gtalign_env.core.moves import VERBOSITIES
from gtalign_env.core.play_out import evaluate_profile
from gtalign_env.scenario.loader import load_pricing
from gtalign_training.pipeline import run
from gtalign_training.plots.look import STYLE
from gtalign_training.recipe import load_recipe
from gtalign_training.runs.seats import trained_seat

plt.rcParams.update(STYLE | {"figure.dpi": 90})
USER, ASSISTANT, JOINT = "#0072b2", "#c04f00", "#000000"
PRICES = ("subscription", "reasoning_api", "reasoning_free_questions")
desk = load_scenario("help_desk")
games = {name: compile_scenario(desk.with_pricing(load_pricing(name))) for name in PRICES}

# %% [markdown]
# ## Train under the subscription
#
# The recipe `strategic-ppo` trains a small network by PPO on the game without text. Here it is shortened, and
# sees one price only: a flat share a conversation, however long the answers are.

# %%
recipe = load_recipe("strategic-ppo")


def trained(name, prices, steps=30_720):
    """Train a network under some prices, and return it as a seat of the game."""
    changed = recipe.model_copy(
        update={
            "name": name,
            "game": recipe.game.model_copy(update={"pricing": tuple(prices)}),
            "ppo": recipe.ppo.model_copy(update={"steps": steps, "save_every": steps}),
        }
    )
    return run(changed, Path(name)), trained_seat(Path(name))


folder, flat = trained("flat", ["subscription"])

# %%
rows = [row for row in folder.metrics("ppo") if row.get("joint_welfare") is not None]
steps = [row["step"] for row in rows]
figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
for key, name, colour in (
    ("assistant_welfare", "assistant L", ASSISTANT),
    ("joint_welfare", "joint W", JOINT),
    ("user_welfare", "user U", USER),
):
    axes.plot(steps, [row[key] for row in rows], color=colour, label=name)
optimum = bayes_oracle(games["subscription"], p_vague=0.5).value.welfare
axes.axhline(optimum, color=JOINT, linestyle="--", linewidth=1, label="exact optimum of W")
axes.set_xlabel("environment steps")
axes.set_ylabel("points")
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# ## The price changes
#
# The same network, exactly evaluated under each price, beside the optimum there:

# %%
user = user_mix(user_agent("default"))


def welfare(price, seat):
    """Return the exact U, L and W of the default user and a seat under a price."""
    return evaluate_profile(games[price], user, assistant_mix(seat))


best = {price: bayes_oracle(game, p_vague=0.5).value.welfare for price, game in games.items()}
for price in PRICES:
    now = welfare(price, flat)
    print(
        f"{price:<25} U {now.user:5.2f}  L {now.assistant:5.2f}  W {now.welfare:5.2f}  of {best[price]:.2f}"
    )
assert welfare("subscription", flat).welfare > 0.95 * best["subscription"]
assert welfare("reasoning_api", flat).welfare < 0.8 * best["reasoning_api"]

# %% [markdown]
# Billed by the token, its long answers break budgets. It has never met this price, and goes on as it learnt.
#
# ## Steer
#
# An assistant that writes a payoff matrix can be told of the new price without training: edit the matrix by what
# each move is charged now, and let it choose again. The edit follows from the price, for the user by what a USD is
# believed to be worth (λ̂, points), for the provider by its margin. Here the matrix is the exact one under the
# subscription, which is what an assistant trained there would believe; a language model writes its own.

# %%
known = normal_form(games["subscription"]).game


def steered(price, worth_of_a_usd):
    """Return a seat that chooses from the matrix of the subscription, edited by another price."""
    game, before = games[price], games["subscription"]
    payoffs = {}
    for verbosity in VERBOSITIES:
        edit = edit_for(
            game.regime,
            usage_of_cells(game, verbosity),
            price_sensitivity=worth_of_a_usd,
            margin_weight=game.margin_weight,
            cost=game.cost,
            before=before.regime,
        )
        for cell in edit.user:
            i = known.user_plans.index(cell[:2])
            j = known.assistant_plans.index(move_of(cell, verbosity).label)
            payoffs[cell, verbosity] = (
                known.user[i, j] + edit.user[cell],
                known.assistant[i, j] + edit.assistant[cell],
            )

    def seat(view, u):
        opened = "DQ" if view.history.informed else "VQ"
        cells = [one for one in payoffs if one[0].startswith(opened)]
        chosen = max(cells, key=lambda one: max(0, payoffs[one][0]) * max(0, payoffs[one][1]))
        return move_of(*chosen)

    return seat


def chosen(price, worth_of_a_usd):
    """Return what is chosen after a vague and after a definite query."""
    seat = steered(price, worth_of_a_usd)
    return tuple(seat(_view(informed), 0.5).label for informed in (False, True))


def _view(informed):
    from types import SimpleNamespace

    return SimpleNamespace(history=SimpleNamespace(informed=informed))


print(f"{'':<25} after VQ     after DQ")
print(f"{'as it was':<25} {'   '.join(f'{one:<10}' for one in chosen('subscription', 150.0))}")
for price in PRICES[1:]:
    print(f"{price:<25} {'   '.join(f'{one:<10}' for one in chosen(price, 150.0))}")

# %% [markdown]
# The behaviour changes with the price, and so does what both sides get:

# %%
for price in PRICES[1:]:
    for name, seat in (("goes on as it learnt", flat), ("steered", steered(price, 150.0))):
        now = welfare(price, seat)
        print(
            f"{price:<25} {name:<21} U {now.user:5.2f}  L {now.assistant:5.2f}  W {now.welfare:5.2f}"
        )
    assert welfare(price, steered(price, 150.0)).welfare > welfare(price, flat).welfare + 0.3

# %% [markdown]
# ## How much is believed matters
#
# λ̂ is a belief: the types here give 300 and 200 points to a USD. At their mean, 250, it steers too far where
# questions are free: the edit counts what the first exchange is charged, and after that nothing looks better than
# one more free question. The assistant does nothing but ask, and serves nobody. Steering is arithmetic, not planning.

# %%
beliefs = np.arange(0, 401, 25)
figure, panels = plt.subplots(1, 2, figsize=(8, 2.6), sharey=True, layout="constrained")
for panel, price in zip(panels, PRICES[1:], strict=True):
    panel.plot(
        beliefs,
        [welfare(price, steered(price, one)).welfare for one in beliefs],
        color="#009e73",
        label="steered",
    )
    panel.axhline(welfare(price, flat).welfare, color="#8a8a8a", label="goes on as it learnt")
    panel.axhline(best[price], color=JOINT, linestyle="--", linewidth=1, label="exact optimum")
    panel.set_title(price)
    panel.set_xlabel("λ̂, points a USD")
panels[0].set_ylabel("joint welfare W")
panels[0].set_ylim(0, 3)
panels[1].legend(loc="lower left")
plt.show()

# %% [markdown]
# ## Train anew
#
# A network that meets all three prices in training reads them off its observation, and is optimal under each:

# %%
_, adaptive = trained("adaptive", PRICES)
for price in PRICES:
    now = welfare(price, adaptive)
    print(f"{price:<25} W {now.welfare:5.2f}  of {best[price]:.2f}")
    assert now.welfare > 0.95 * best[price]

# %% [markdown]
# Steering saves most of what a new price costs, at once, as long as it does not go too far; training gets the rest. With a language model in the seat the same is `gtalign train tiny-grpo` and `gtalign run --steer`:
# see [training](../training.md) and [steering](../steering.md).
