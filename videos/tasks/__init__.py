"""The life of a task: order, admission, creation, state changes, and what staff and tenants may do."""
