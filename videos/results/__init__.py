"""Finished videos: files, posters, signed links."""
