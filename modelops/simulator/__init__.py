"""A provider to practise on: real sockets, deterministic answers, faults on demand."""
