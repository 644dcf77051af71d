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
# # First steps
#
# One conversation, many conversations, and the exact game behind them.

# %%
import gymnasium
import matplotlib.pyplot as plt
import numpy as np
import pettingzoo

import gtalign_env  # registers the environments
from gtalign_env.core.moves import AssistantMove
from gtalign_training.plots.look import MOVE_COLOURS, STYLE

plt.rcParams.update(STYLE | {"figure.dpi": 90})

# %% [markdown]
# ## One conversation
#
# Your program is the assistant. A simulated user has opened; it may have asked vaguely (`VQ`), so what it
# means is open. Ask back, then answer:

# %%
env = gymnasium.make("gtalign/Conversation-v0", scenario="quick_question", render_mode="ansi")
observation, info = env.reset(seed=2)
total = 0.0
for move in (AssistantMove.CQ, AssistantMove.DA_STANDARD):
    observation, reward, terminated, truncated, info = env.step(move)
    total += reward
print(env.render())
print("ending", info["ending"], "| your welfare L", round(info["return"], 3), "=", round(total, 3))

# %% [markdown]
# Rewards are what each step adds to the assistant's welfare. The user's preferences are hidden: its entries
# of the observation are zero for you.

# %%
from gtalign_env.envs.observe import ENTRIES, PUBLIC_ENTRIES

hidden = observation[len(PUBLIC_ENTRIES) :]
print(len(ENTRIES), "entries;", len(hidden), "of them the user's own, all zero:", not hidden.any())

# %% [markdown]
# The same game in words, and with both seats open:

# %%
talk = gymnasium.make("gtalign/Dialogue-v0", p_vague=1.0)
observation, info = talk.reset(seed=1)
observation, *_ = talk.step("Which one do you mean?")
print(observation["text"])

both = pettingzoo.make("aec", "gtalign/Conversation-v0")
both.reset(seed=0)
print(both.agent_selection, "opens:", both.infos["user_0"]["action_mask"])

# %% [markdown]
# ## Many conversations
#
# A vector environment plays them by compiled rules. Here 4,096 at a time at the help desk, once for each
# plan of the assistant: its named move first, then direct answers.

# %%
from gtalign_env.core.plans import ASSISTANT_PLANS, continue_plan

ROWS = 4096
envs = gymnasium.make_vec("gtalign/Conversation-v0", num_envs=ROWS, scenario="help_desk")


def welfare_of(plan):
    """Return the mean and the standard error of L over conversations that follow a plan."""
    envs.reset(seed=0)
    returns, over, acts = np.zeros(ROWS), np.zeros(ROWS, bool), np.full(ROWS, int(plan))
    while not over.all():
        _, rewards, terminated, truncated, _ = envs.step(acts)
        returns += np.where(over, 0.0, rewards)
        over |= terminated | truncated
        acts = np.full(ROWS, int(continue_plan(plan, exchange=1)))
    return returns.mean(), returns.std() / np.sqrt(ROWS)


sampled = {plan.label: welfare_of(plan) for plan in ASSISTANT_PLANS}

# %% [markdown]
# ## The exact game behind them
#
# The scenario is also a matrix: plans of the user against plans of the assistant, each cell an exact
# expectation. The default user opens vaguely half the time, so the mean of both rows is what the
# conversations above are samples of.

# %%
from gtalign_env import compile_scenario, load_scenario, normal_form, solve

game = normal_form(compile_scenario(load_scenario("help_desk"))).game
exact = dict(zip(game.assistant_plans, game.assistant.mean(axis=0), strict=True))
for label, (mean, error) in sampled.items():
    print(f"{label:<12} sampled {mean:6.3f} ± {2 * error:.3f}   exact {exact[label]:6.3f}")
assert all(abs(mean - exact[label]) < 4 * error for label, (mean, error) in sampled.items())

# %%
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
labels = list(sampled)
axes.barh(labels, [sampled[one][0] for one in labels], color=[MOVE_COLOURS[one] for one in labels])
axes.plot([exact[one] for one in labels], labels, "o", color="black", markersize=4, label="exact")
axes.set_xlabel("assistant's welfare L, points a conversation")
axes.invert_yaxis()
axes.legend(loc="lower right")
plt.show()

# %% [markdown]
# What is best for the assistant is not what both want. The equilibrium, and what it leaves on the table:

# %%
found = solve(game)
for one in found["equilibria"]:
    print("equilibrium payoffs: U %.2f, L %.2f" % tuple(one["payoffs"]))
row, column = found["optimum"]["nash"]
best = game.user_plans[row], game.assistant_plans[column]
print(
    "joint optimum %s x %s: U %.2f, L %.2f"
    % (*best, game.user[row, column], game.assistant[row, column])
)

# %% [markdown]
# Next: [the pricing dilemma](pricing_dilemma.ipynb), in which the price alone makes both sides worse off.
