"""A tenant's tasks: in order, page by page, found by words."""
