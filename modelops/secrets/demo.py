"""The demo identity: published on purpose, so that examples with encrypted keys open for everyone.

Whatever is encrypted to it is readable by the whole world, so it may hold made-up keys only: using
such a file is an error unless every provider is simulated.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelops.secrets.errors import SecretError

DEMO_IDENTITY = "AGE-SECRET-KEY-1PCGQGF3L0XC4VWEMCH9PYCAA5PZX5GWMYP4N9NJ3XL35YAS2NWXQNUAFAU"
DEMO_RECIPIENT = "age16qg235a83y0xjcmf04q0xcgh63jm86hjhgngqfj27e0c0rcwppks0yjqnm"


def refuse_demo(recipients: Iterable[str], what: str) -> None:
    """Raise SecretError when one of the recipients is the demo identity's."""
    if DEMO_RECIPIENT in recipients:
        raise SecretError(
            f"{what} is encrypted to the published demo identity: everyone can read it",
            "use recipients of your own and replace the keys, or run with --simulate",
        )
