"""PostgreSQL beyond the ORM: prepared statements, conditions that its indexes serve."""
