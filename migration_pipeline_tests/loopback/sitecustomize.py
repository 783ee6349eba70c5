"""Loaded by every Python process that a test starts: no connection leaves the machine."""

import ipaddress
import sys


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if not isinstance(address, tuple):
        return
    host = str(address[0])
    if host != "localhost" and not ipaddress.ip_address(host.split("%")[0]).is_loopback:
        raise PermissionError(f"a test tried to reach {host}")


sys.addaudithook(_guard)
