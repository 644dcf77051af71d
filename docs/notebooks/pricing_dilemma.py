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
# # The pricing dilemma
#
# Billed by the token, a provider gains by long answers and extra questions, and a user by leaving the work to
# it. Between two such ways of each side, each does what is best for itself, and both end worse off. When
# exactly, and what dissolves it?

# %%
import matplotlib.pyplot as plt
import numpy as np

from gtalign_env import compile_scenario, load_scenario, normal_form, solve
from gtalign_env.scenario.loader import load_pricing
from gtalign_training.plots.look import STYLE

plt.rcParams.update(STYLE | {"figure.dpi": 90})
USER, ASSISTANT, JOINT, DILEMMA = "#0072b2", "#c04f00", "#000000", "#d55e00"

upsell = load_scenario("upsell")
game = normal_form(compile_scenario(upsell)).game

# %% [markdown]
# ## The matrix
#
# Rows are what the user does, columns what the assistant does. Every cell is exact: all ways that the
# conversation can go, with their probabilities.

# %%
figure, axes = plt.subplots(figsize=(8, 2.4), layout="constrained")
joint = (game.user + game.assistant) / 2
axes.imshow(joint, cmap="Greys", aspect="auto", vmin=joint.min() - 0.5, vmax=joint.max() + 3)
for i, j in np.ndindex(game.shape):
    axes.text(
        j - 0.06, i, f"{game.user[i, j]:.2f}", color=USER, ha="right", va="center", weight="bold"
    )
    axes.text(
        j + 0.06, i, f"{game.assistant[i, j]:.2f}", color=ASSISTANT, va="center", weight="bold"
    )
axes.set_xticks(range(game.shape[1]), game.assistant_plans)
axes.set_yticks(range(game.shape[0]), game.user_plans)
axes.tick_params(length=0)
axes.set_title("U (left) and L (right); the darker, the better for both together")
plt.show()

# %%
found = solve(game)
one = found["equilibria"][0]
plans = (
    game.user_plans[int(np.argmax(one["user"]))],
    game.assistant_plans[int(np.argmax(one["assistant"]))],
)
print("one equilibrium: %s x %s, U %.2f, L %.2f" % (*plans, *one["payoffs"]))
print("price of anarchy, by the sum of welfares: %.2f" % found["price_of_anarchy"]["utilitarian"])
print("social dilemma:", found["dilemma"]["social_dilemma"])
for cooperate, defect in [tuple(zip(*pair, strict=True)) for pair in found["dilemma"]["strict_pd"]]:
    print("prisoner's dilemma:", " x ".join(cooperate), "against", " x ".join(defect))

# %% [markdown]
# The equilibrium of the whole game serves the provider at the user's cost; nobody else is better for both. Inside
# it are pairs of plans that trap both. Take the third: with `DQ` the user writes a definite query, which is work; with `DA:concise` the assistant
# answers that in few words. Both could agree on it. But whatever the assistant does, `VQ` is less work for the
# user; and whatever the user does, `AQ:standard` sells more words.

# %%
names = (("DQ", "VQ"), ("DA:concise", "AQ:standard"))
rows = [game.user_plans.index(one) for one in names[0]]
columns = [game.assistant_plans.index(one) for one in names[1]]
for i in rows:
    cells = [f"{game.user[i, j]:.3f}, {game.assistant[i, j]:.3f}" for j in columns]
    print(f"{game.user_plans[i]:>3}   " + "   ".join(cells))

# %% [markdown]
# ## The price of a token
#
# The same game under other prices. Each point of these curves is a game solved anew, and the band is where the
# four cells above are a strict prisoner's dilemma: T > R > P > S for both sides.

# %%
from dataclasses import replace

from gtalign_env.pricing import PerToken, Regime

PICO_A_TOKEN = 10**6  # 1 USD per 1M tokens, in pico-USD a token


def by_token(usd):
    """Return a regime that charges so many USD for a million output tokens; input as listed."""
    listed = load_pricing("per_token").regime().components[0].rates
    rate = round(usd * PICO_A_TOKEN)
    return Regime(f"{usd:g} USD", (PerToken(listed._replace(output=rate, reasoning=rate)),))


def is_dilemma(game):
    """Return whether the four cells are a strict prisoner's dilemma."""
    u, a = game.user[np.ix_(rows, columns)], game.assistant[np.ix_(rows, columns)]
    user = u[1, 0] > u[0, 0] > u[1, 1] > u[0, 1]
    return bool(user and a[0, 1] > a[0, 0] > a[1, 1] > a[1, 0])


prices = np.linspace(0, 25, 101)
spec = compile_scenario(upsell)
games = [normal_form(replace(spec, regime=by_token(price))).game for price in prices]
inside = np.array([is_dilemma(one) for one in games])
print(
    "a dilemma from %.2f to %.2f USD per 1M output tokens"
    % (prices[inside].min(), prices[inside].max())
)

# %%
worst = [min(solve(one)["equilibria"], key=lambda e: sum(e["payoffs"]))["payoffs"] for one in games]
best = [((one.user + one.assistant) / 2).max() for one in games]
figure, axes = plt.subplots(figsize=(7.5, 3), layout="constrained")
axes.axvspan(prices[inside].min(), prices[inside].max(), color=DILEMMA, alpha=0.18, linewidth=0)
axes.text(
    prices[inside].mean(), 4.75, "prisoner's dilemma", color=DILEMMA, ha="center", weight="bold"
)
axes.plot(prices, [user for user, _ in worst], color=USER, label="U in the worst equilibrium")
axes.plot(
    prices,
    [assistant for _, assistant in worst],
    color=ASSISTANT,
    label="L in the worst equilibrium",
)
axes.plot(prices, np.mean(worst, axis=1), color=JOINT, label="their mean")
axes.plot(prices, best, color=JOINT, linestyle="--", linewidth=1.2, label="the best possible mean")
axes.set_xlabel("price of output, USD per 1M tokens")
axes.set_ylabel("points")
axes.set_ylim(None, 5.1)
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# ## Patience
#
# Played again and again, cooperation can hold: whoever defects is defected against for ever after. How patient
# must both sides be? Grim trigger sustains it from the critical discount factor on, (T − R) / (T − P).


# %%
def critical(game):
    """Return the least discount factor at which grim trigger sustains the cooperative cell."""
    u, a = game.user[np.ix_(rows, columns)], game.assistant[np.ix_(rows, columns)]
    user = (u[1, 0] - u[0, 0]) / (u[1, 0] - u[1, 1])
    return max(user, (a[0, 1] - a[0, 0]) / (a[0, 1] - a[1, 1]))


needed = [critical(one) for one, held in zip(games, inside, strict=True) if held]
at = prices[inside]
print("least patience %.3f, at %.2f USD" % (min(needed), at[int(np.argmin(needed))]))
figure, axes = plt.subplots(figsize=(7.5, 2.2), layout="constrained")
axes.plot(at, needed, color=JOINT)
axes.fill_between(at, needed, 1, color="#009e73", alpha=0.2, linewidth=0)
axes.text(at.mean(), 0.9, "cooperation is sustained", ha="center", color="#00664a")
axes.set_ylim(0.5, 1)
axes.set_xlabel("price of output, USD per 1M tokens")
axes.set_ylabel("discount factor")
plt.show()

# %% [markdown]
# ## Another kind of price
#
# A dearer token ends the dilemma by making everybody worse off. Another *kind* of price does better: what
# happens where nobody pays by the token?

# %%
for name in ("per_token", "per_message", "subscription", "outcome_based", "free_questions"):
    priced = normal_form(compile_scenario(upsell.with_pricing(load_pricing(name)))).game
    end = min(solve(priced)["equilibria"], key=lambda e: sum(e["payoffs"]))
    played = (
        priced.user_plans[int(np.argmax(end["user"]))],
        priced.assistant_plans[int(np.argmax(end["assistant"]))],
    )
    print(
        f"{name:<15} {played[0]} x {played[1]:<12} U {end['payoffs'][0]:5.2f}  L {end['payoffs'][1]:5.2f}  "
        f"dilemma of the four cells: {'yes' if is_dilemma(priced) else 'no'}"
    )

# %% [markdown]
# `gtalign design upsell_prices` searches prices of a given form for the best one, and `gtalign sweep` solves a game
# over any of its fields. Next: [train and steer](train_and_steer.ipynb).
