"""Secrets: the type that cannot be printed, where they are read from, how they are sealed."""
