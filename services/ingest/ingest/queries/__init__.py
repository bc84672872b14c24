"""SQL longer than a line: the registry, the values, what a reader may see."""
