"""modelops: config-as-code for LLM providers, from YAML in git to a serving gateway."""

__version__ = "0.1.0"
