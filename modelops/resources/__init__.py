"""What can be declared and what it resolves to: the words every other room uses.

`declared` holds the form users write (the source of `schema/`), `resolved` the same things with
nothing left open, `state` a whole set of them. This room imports no other.
"""
