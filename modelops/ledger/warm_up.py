"""Takes memory for all later batches at once, when the first large one is at hand.

Batches differ a little in size, and an allocator takes a page from the system when it needs one
more than ever. So memory grew by 0.2 MB, ever more slowly, over hundreds of thousands of requests.
"""

from __future__ import annotations

import sys

_SMALL = 512 - sys.getsizeof(b"")
"""Python's allocator has blocks of up to 512 bytes, which fill every page of their pools."""

_SMALL_COUNT = 1_024
"""Half a MB: the free pools, of which it may have touched only a part, and some more."""

_LARGE = 96 << 10
"""The C library's heap grows by two of these, or by one where the other finds room in it; from
128 KiB on one would be mapped and given back."""


def warm_up() -> None:
    """Take memory, write to it, and let go of it: the allocators keep it."""
    byte = b"x"  # times a length: from `bytes`, zeros may be pages that were never touched
    _blocks = [byte * _SMALL for _ in range(_SMALL_COUNT)]
    _heap = [byte * _LARGE for _ in range(2)]
