"""Run every benchmark that needs no other gateway; see README.md for the rest."""

from __future__ import annotations

from benchmarks import config, gateway

if __name__ == "__main__":
    config.main()
    gateway.main()
