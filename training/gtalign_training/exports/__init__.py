"""Finished runs as files for other programs: Inspect's log, tables, series for trackers."""
