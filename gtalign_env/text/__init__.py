"""Words to moves and moves to words, and right or wrong from the words alone.

`reader` and `grading` judge what either side wrote; `phrasing` and `writer` are the scripted user
and assistant. All of them work from a task set (`gtalign_env.scenario.tasks`).
"""
