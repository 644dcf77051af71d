"""The playground of `gtalign ui`: a game on a page of this machine, to move and to play.

`knobs`, `view` and `phase` say what is shown, as plain data; `draw_*` turn that into HTML and SVG, with
every text escaped; `explore` and `seat` answer what somebody does. `app` and `tab_*` put that on a page
with Gradio, and `server` serves it to this machine and to nobody else.
"""
