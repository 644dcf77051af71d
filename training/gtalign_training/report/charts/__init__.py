"""Small charts as SVG that follow the page's light and dark.

Colours are classes; style attributes are refused by the page's policy. Every chart is drawn twice,
for wide and for narrow pages.
"""
