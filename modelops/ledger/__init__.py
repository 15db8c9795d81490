"""From the gateway's records to the store's rows, and from rows to reports."""

from modelops.ledger.folder import journal_folder
from modelops.ledger.ledger import Ledger

__all__ = ["Ledger", "journal_folder"]
