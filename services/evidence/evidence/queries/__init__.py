"""SQL longer than a line: entries and their order, the checkpoint, what witnesses said."""
