"""Language models behind one batched, typed protocol: requests in, completions or faults out."""
