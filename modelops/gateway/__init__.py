"""The request road: resolve a name, walk the chain, speak to providers, record every attempt.

No framework and no database: the gateway is handed a routing table and a recorder, and answers
through a `Reply`. Clock and randomness are handed in too.
"""
