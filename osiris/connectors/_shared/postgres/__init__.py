"""PostgreSQL, whichever family speaks to it: sessions, names, tables, types, reading and writing."""
