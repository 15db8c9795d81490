"""Presets and models known by name: hosts, auth, limits, capabilities, prices, with their source."""
