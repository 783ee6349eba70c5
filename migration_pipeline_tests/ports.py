"""Ports that nobody else is given: to start something at an address told beforehand, or for one where nobody answers.

They lie below those that the system hands out to whoever asks for any, each worker process of the tests has a range of
its own, and no process gets one twice.
"""

import os
import re
import socket
from itertools import chain
from typing import Final

RANGES: Final = 16
"""Worker processes whose ranges differ; the next one shares with the first."""
FIRST: Final = 12_288
WIDTH: Final = 1_280
"""Ports of a range; the last one ends where Linux begins to hand out."""


def _numbered(worker: str, process: int) -> chain[int]:
    """The ports of a worker, from a place of the process's own: a second run of the tests has a worker of that name."""
    begin = FIRST + int(re.sub(r"\D", "", worker) or 0) % RANGES * WIDTH
    place = begin + process * 61 % WIDTH
    return chain(range(place, begin + WIDTH), range(begin, place))


_left = _numbered(os.environ.get("PYTEST_XDIST_WORKER", ""), os.getpid())


def free_port() -> int:
    """A loopback port that nobody listens on, and that nobody is going to be given."""
    for port in _left:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("a worker process has used up its ports")
