"""What a tenant may have and what it has: limits and totals, pure, and the limits in force."""
