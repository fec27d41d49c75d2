"""Lists of a tenant's tasks: order, pages, and search in prompts."""
