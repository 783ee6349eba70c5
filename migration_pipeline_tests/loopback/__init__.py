"""Bars test processes from anything but loopback."""
