"""A task's life: its order, admission, creation and verbs, and what staff and tenants may do about it."""
