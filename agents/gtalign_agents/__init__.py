"""What speaks in a seat: so far, the grammar of an assistant that writes its reasoning."""
