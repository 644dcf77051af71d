"""How the playground looks: the theme, with the fonts of the system, and the style of our own parts."""

from __future__ import annotations

from typing import Any

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme(gr: Any) -> Any:
    """Return the theme; it loads nothing from anywhere.

    Args:
        gr: Gradio.
    """
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        font=SANS,
        font_mono=MONO,
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_sm,
    ).set(  # the library's greys are below the contrast of 4.5 that WCAG asks for
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
    )


CSS = """
:root { --gt-u: #005a8f; --gt-l: #a84300; --gt-good: 0, 158, 115; --gt-ink: #111827; --gt-paper: #fff; }
.dark { --gt-u: #7cc4f5; --gt-l: #ffa869; --gt-good: 20, 170, 125; --gt-ink: #f1f5f9; --gt-paper: #0f172a; }
.gradio-container { max-width: 1380px !important; margin: 0 auto; }
.gradio-container > .main { padding: .3rem 1rem 2rem !important; } .gradio-container main { padding: 0 !important; }
.gradio-container .html-container { padding: 0 3px !important; }
.gt-intro h1 { font-size: 1.3rem; margin: 0 0 .1rem; font-weight: 700; display: inline; margin-right: .6rem; }
.gt-intro p { margin: 0; line-height: 1.45; }
.gt-about { line-height: 1.45; } .gt-about summary { cursor: pointer; color: var(--body-text-color-subdued); } .gt-about p { margin: .2rem 0; max-width: 90ch; }
.gt-sliders h3, .gt-after h3 { margin: .2rem 0 0; font-size: .95rem; font-weight: 650; }
.gt-verdict, .gt-meaning { margin: 0; line-height: 1.45; } .gt-meaning p { margin: 0; max-width: 110ch; } .gt-head { font-size: 1.1rem; }
.gt-bar, .gt-head { margin: 0; } .gt-chip { display: inline-block; border-radius: 1rem; padding: .05rem .65rem; font-size: .84rem; font-weight: 600; margin-right: .3rem; }
.gt-bar { display: none; }
.gt-matrix { border-collapse: separate; border-spacing: 3px; width: 100%; font-variant-numeric: tabular-nums; table-layout: fixed; }
.gt-matrix caption, .gt-phase figcaption { text-align: left; padding: 0 0 .3rem 3px; line-height: 1.4; font-size: .92rem; min-height: 2.8em; }
.gt-matrix th { font-weight: 600; text-align: left; padding: .1rem .3rem; font-size: .92rem; line-height: 1.2; }
.gt-matrix thead th { text-align: center; } .gt-matrix thead .gt-corner { width: 36%; text-align: left; font-weight: 400; color: var(--body-text-color-subdued); }
.gt-matrix th small { display: block; font-weight: 400; color: var(--body-text-color-subdued); font-family: var(--font-mono); font-size: .78rem; }
.gt-corner span { display: block; font-size: .8rem; }
.gt-cell { text-align: center; padding: .55rem .3rem .3rem; border: 2px solid transparent; border-radius: 7px; white-space: nowrap; background: rgba(var(--gt-good), calc(.05 + .36 * var(--w))); position: relative; }
.gt-u { color: var(--gt-u); font-weight: 600; } .gt-l { color: var(--gt-l); font-weight: 600; }
.gt-cell .gt-u, .gt-cell .gt-l { display: inline-block; min-width: 2.9em; text-align: right; }
.gt-cell.gt-e { border-color: var(--gt-ink); } .gt-cell.gt-o { outline: 2px dashed var(--gt-ink); outline-offset: -6px; }
.gt-marks { position: absolute; right: -1px; top: -5px; line-height: 1; z-index: 1; }
.gt-marks abbr, .gt-legend abbr { display: inline-block; width: 1.3em; text-align: center; border-radius: 3px; font-size: .72rem; font-weight: 700; line-height: 1.35; text-decoration: none; background: var(--gt-ink); color: var(--gt-paper); margin-left: 1px; }
.gt-legend, .gt-classes { list-style: none; margin: .3rem 0 0; padding: 0 3px; font-size: .86rem; line-height: 1.5; }
.gt-classes li { display: inline-block; margin-right: .9rem; }
.gt-swatch { display: inline-block; width: .95em; height: .95em; border-radius: 3px; margin-right: .3em; vertical-align: -.1em; border: 1px solid rgba(127,127,127,.5); }
.gt-hatched { background-image: repeating-linear-gradient(45deg, rgba(0,0,0,.3) 0 2px, transparent 2px 5px); }
.gt-phase { margin: 0; } .gt-phase svg { width: 100%; height: auto; display: block; max-width: 560px; }
.gt-phase text { font-size: 11px; fill: var(--body-text-color); } .gt-phase .gt-axis { font-size: 12px; font-weight: 600; }
.gt-frame { fill: none; stroke: var(--body-text-color); stroke-width: 1; }
.gt-here path { stroke: #000; stroke-width: 1; stroke-dasharray: 3 3; opacity: .8; } .gt-here circle { fill: none; stroke: #000; stroke-width: 2; }
.gt-here .gt-halo { stroke: #fff; stroke-width: 5; } .gt-here .gt-dot { fill: #000; stroke: none; }
.gt-facts { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .9rem; margin: 0; line-height: 1.4; }
.gt-facts dt { color: var(--body-text-color-subdued); } .gt-facts dd { margin: 0; }
.gt-problem { border-left: 4px solid #d55e00; padding: .3rem .8rem; overflow-wrap: anywhere; }
.gt-brief, .gt-after { line-height: 1.45; overflow-wrap: anywhere; } .gt-brief p, .gt-after p { margin: .2rem 0; }
.gt-brief ul, .gt-after ul { margin: .2rem 0 .2rem 1.1rem; padding: 0; list-style: disc; }
.gt-standing { display: grid; grid-template-columns: repeat(auto-fit, minmax(125px, 1fr)); gap: .5rem; margin: 0; }
.gt-standing div { border: 1px solid var(--border-color-primary); border-radius: 8px; padding: .3rem .6rem; }
.gt-standing dt { font-size: .82rem; color: var(--body-text-color-subdued); } .gt-standing dd { margin: 0; font-size: 1.05rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.gt-standing dd.gt-quiet { font-size: .88rem; font-weight: 400; margin: 0; }
.gt-meter { height: 6px; border-radius: 3px; background: var(--border-color-primary); margin-top: .45rem; overflow: hidden; } .gt-meter i { display: block; height: 100%; background: var(--gt-l); }
.gt-course { width: 100%; height: 80px; margin-top: .4rem; } .gt-course path { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
.gt-course .gt-u { stroke: var(--gt-u); } .gt-course .gt-l { stroke: var(--gt-l); } .gt-course .gt-zero { stroke: var(--border-color-primary); stroke-width: 1; }
.gt-talk { display: flex; flex-direction: column; gap: .4rem; } .gt-quiet { color: var(--body-text-color-subdued); margin: .2rem 0; }
.gt-said { max-width: 85%; border-radius: 10px; padding: .3rem .7rem; border: 1px solid var(--border-color-primary); } .gt-said p { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
.gt-said small { color: var(--body-text-color-subdued); } .gt-mine { align-self: flex-end; background: var(--background-fill-secondary); } .gt-theirs { align-self: flex-start; }
.gt-said code { font-family: var(--font-mono); font-size: .86em; }
.gt-of-user { border-left: 4px solid var(--gt-u); } .gt-of-assistant { border-left: 4px solid var(--gt-l); }
.gt-right { color: #00704f; font-weight: 600; } .dark .gt-right { color: #3fd6a6; } .gt-wrong { color: var(--gt-l); font-weight: 600; }
.gt-end { font-weight: 600; margin: .3rem 0; } .gt-fault { border-left: 4px solid #d55e00; padding-left: .8rem; }
.gt-review { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; } .gt-review th, .gt-review td { text-align: left; padding: .15rem .4rem; border-bottom: 1px solid var(--border-color-primary); }
.gt-moves { display: grid !important; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: .5rem !important; } .gt-moves button { width: 100%; min-width: 0 !important; height: 100%; }
.gt-moves .gt-leave { grid-column: 1; margin-top: .5rem; }
@media (max-width: 760px) {
  .gradio-container > .main { padding: .2rem .5rem 4rem !important; }
  .gt-intro p { font-size: .9rem; line-height: 1.35; } .gt-meaning { order: 5; }
  .gt-explore { flex-direction: column-reverse !important; flex-wrap: nowrap !important; } .gt-explore > *, .gt-pictures > * { width: 100%; min-width: 0 !important; }
  .gt-pictures { flex-direction: column; }
  .gt-choose .form { display: grid !important; grid-template-columns: 1fr 1fr; } .gt-choose .form > * { min-width: 0 !important; padding: .2rem .4rem !important; } .gt-choose .form > :first-child { grid-column: 1 / 3; }
  .gt-matrix { border-spacing: 2px; } .gt-matrix th { font-size: .84rem; padding: .1rem; } .gt-matrix th small { font-size: .72rem; }
  .gt-cell { font-size: .92rem; padding: .5rem 0 .25rem; } .gt-cell .gt-u, .gt-cell .gt-l { min-width: 2.4em; }
  .gt-facts { grid-template-columns: 1fr; } .gt-facts dd { margin-bottom: .35rem; }
  .gt-bar { display: block; position: fixed; left: 0; right: 0; bottom: 0; z-index: 50; margin: 0 !important; padding: .45rem .7rem; font-size: .85rem; background: var(--body-background-fill); border-top: 1px solid var(--border-color-primary); }
  .gt-matrix caption, .gt-phase figcaption { min-height: 0; font-size: .86rem; } .gt-head { font-size: 1rem; }
}
"""
