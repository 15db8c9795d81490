"""Pure: what an attempt is, and how usage becomes cost. No clock, no store, no network."""
