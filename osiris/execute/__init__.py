"""How a manifest is run: flows, recovery after a crash, leases; `local` is the one executor there is."""
