"""Pure: two states in, one frozen plan document out, and its renderers."""
