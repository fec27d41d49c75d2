"""The HTTP layer of the video API (contract)."""
