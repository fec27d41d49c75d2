"""Uploaded files: what is taken, where it is kept, how long, and who uses it."""
