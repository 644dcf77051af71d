"""Questions from files: GTAlign's parquet schema, JSONL and CSV; duplicates, leaks, splits."""
