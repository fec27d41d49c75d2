"""Custody of finished videos: files, stills, signed links."""
