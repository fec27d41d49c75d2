"""People, keys and tenants."""
