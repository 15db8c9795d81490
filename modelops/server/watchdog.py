"""Ends a process whose event loop does not turn, and says at which line it stands.

A hung server takes connections and answers none of them; one that has ended is started again, by
the supervisor or by whatever runs it. Looks are counted and not seconds, so that a pause of the
process (Ctrl-Z, a laptop that sleeps) is not taken for a hang. A thread is blind while C code holds
the interpreter, and in a process that is stopped: of several workers the supervisor sees that.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
import traceback

LOOK_S = 0.5
"""Seconds between two looks."""

logger = logging.getLogger(__name__)


def watch(loop: asyncio.AbstractEventLoop, silence_s: float) -> None:
    """Watch the loop of the thread that calls, from another, until it is closed."""
    hung = threading.get_ident()
    threading.Thread(target=_watch, args=(loop, silence_s, hung), daemon=True).start()


def _watch(loop: asyncio.AbstractEventLoop, silence_s: float, hung: int) -> None:
    turned = threading.Event()
    turned.set()
    silent = 0
    while silent * LOOK_S < silence_s:
        if turned.is_set():
            turned.clear()
            silent = 0
            try:
                loop.call_soon_threadsafe(turned.set)
            except RuntimeError:  # it is closed
                return
        time.sleep(LOOK_S)
        silent += 1
    stack = "".join(traceback.format_stack(sys._current_frames()[hung]))  # noqa: SLF001  # no other way
    logger.critical("nothing was answered for %g s; this process ends at\n%s", silence_s, stack)
    os._exit(1)
