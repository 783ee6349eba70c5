"""The clock of a stand-in: real time plus what a test advanced. No sleeping and no scheduling here."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """`offset_s` seconds ahead of real time; never goes back."""

    offset_s: float = 0.0

    def now(self) -> float:
        """Unix seconds, UTC, as the service sees them."""
        return time.time() + self.offset_s

    def advance(self, seconds: float) -> None:
        """Move ahead by `seconds` >= 0. Raises ValueError below 0: a service's time does not run backwards."""
        if seconds < 0:
            raise ValueError("advance_s must not be negative")
        self.offset_s += seconds
