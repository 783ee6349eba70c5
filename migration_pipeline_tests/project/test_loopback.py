import socket
import subprocess
import sys

import pytest


def test_this_process_reaches_loopback_only() -> None:
    with socket.socket() as connection, pytest.raises(PermissionError, match=r"192\.0\.2\.1"):
        connection.connect(("192.0.2.1", 80))


def test_python_processes_of_tests_reach_loopback_only() -> None:
    script = "import socket; socket.socket().connect(('192.0.2.1', 80))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)
    assert "a test tried to reach 192.0.2.1" in done.stderr
