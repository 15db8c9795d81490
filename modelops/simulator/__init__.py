"""A provider to practise on: real sockets, deterministic answers, faults on demand.

It stands where a provider stands, outside both roads, and is the witness of every test: what it
says it served is compared with what the gateway reports. It is written from the providers'
protocols and from recorded traffic alone, and shares no code with the gateway, because a mistake
that both made would cancel out. Request in, response out is data (`wire.py`); a protocol is one
file of plain functions over that data; what goes wrong is applied to the response afterwards
(`faults.py`, `delivery.py`), and only `http.py` touches sockets.
"""
