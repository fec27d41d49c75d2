"""The tenant portal's pages about videos, usage and money."""
