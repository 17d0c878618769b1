"""The Supabase connector: PostgreSQL by its own protocol, or over REST."""
