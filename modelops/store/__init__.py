"""Where revisions and attempts are kept, behind one small protocol (`protocol.py`).

Only this room speaks SQL. What differs between databases stands in one module per database.
SQLAlchemy takes a third of a second to import, so it is imported by what `opening` calls, never by
importing this room.
"""

from modelops.store.opening import migrate, open_for_commands, open_revisions, open_store

__all__ = ["migrate", "open_for_commands", "open_revisions", "open_store"]
