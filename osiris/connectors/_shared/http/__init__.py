"""HTTP for the families that speak to an API: sessions, limits, retries, and what an answer means."""
