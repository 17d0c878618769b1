"""MySQL and MariaDB: reading, writing, discovery and doctor."""
