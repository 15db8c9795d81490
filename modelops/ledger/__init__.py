"""From the gateway's records to the store's rows, and from rows to reports."""

from modelops.ledger.ledger import Ledger, journal_folder

__all__ = ["Ledger", "journal_folder"]
