"""From the gateway's records to the store's rows, and from rows to reports."""

from modelops.ledger.ledger import Ledger

__all__ = ["Ledger"]
