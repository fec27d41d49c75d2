"""PostgreSQL beyond the ORM: prepared statements, and conditions that make it use an index."""
