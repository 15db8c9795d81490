"""The Anthropic protocol: passed through, read into and written from the canonical conversation."""
