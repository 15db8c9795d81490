"""The verbs, one file each: what the command line and the HTTP API both call."""
