"""PPO of a language model with a learnt value of every token, as the paper trains.

`objective` holds the formulas, `network` actor and critic, `trainer` the loop, `checkpoint` what it
needs to go on.
"""
