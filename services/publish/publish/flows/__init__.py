"""Load, decide, save, say: what `publish` does when an event, a request or the clock asks for it."""
