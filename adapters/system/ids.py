"""UUIDv7 after RFC 9562, section 5.7."""

import os
import time
from uuid import UUID


def new_uuid7() -> UUID:
    """Return a UUID that begins with the present millisecond and ends in 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    number = (milliseconds & (2**48 - 1)) << 80 | 0x7 << 76
    number |= (random >> 68 & 0xFFF) << 64 | 0b10 << 62 | random & (2**62 - 1)
    return UUID(int=number)
