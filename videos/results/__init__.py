"""Finished videos: files, pictures, signed links."""
