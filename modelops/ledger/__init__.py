"""From the gateway's records to the store's rows, and from rows to reports."""
