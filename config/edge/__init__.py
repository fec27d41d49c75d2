"""Where requests come in: what is refused before anybody is known, and Django behind it."""
