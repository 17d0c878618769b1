"""PostgreSQL: reading, writing, discovery and doctor."""
