"""Where revisions and attempts are kept, behind one small protocol (`protocol.py`).

Only this room speaks SQL. What differs between databases stands in one module per database.
"""
