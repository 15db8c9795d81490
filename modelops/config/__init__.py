"""Files to a checked declaration to a resolved configuration."""
