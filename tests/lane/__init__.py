"""The lane: creates, status reads and lists that are served together."""
