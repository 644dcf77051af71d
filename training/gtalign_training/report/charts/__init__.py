"""Small charts as SVG: colours by class, so they follow the page's light and dark; no style attributes,
which the page's policy refuses. Every chart is drawn twice, for wide and for narrow pages.
"""
