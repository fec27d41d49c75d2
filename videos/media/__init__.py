"""Decoding of videos that others made, in a process of its own that may die of them."""
