"""An assistant over the rows of data files: asked, billed, judged, compared between prices."""
