"""Attachments as trouble: names, types, sizes and addresses that a careful client has to survive.

Here: which files are odd, and in what way, where the switch `odd_files` is on. Not here: ordinary attachments.
"""

from collections.abc import Callable
from typing import Any

from migration_pipeline.sandbox.zendesk.world import seeds
from migration_pipeline.sandbox.zendesk.world.files import File

SHARE = 0.6

_Shown = dict[str, Any]
_WAYS: tuple[Callable[[_Shown], _Shown], ...] = (
    lambda _: {"file_name": "../../../../etc/cron.d/job"},
    lambda _: {"file_name": "C:\\Windows\\System32\\drivers\\etc\\hosts"},
    lambda _: {"file_name": "line\nbreak\r\tand\x00null\x1b[31m.txt"},
    lambda _: {"file_name": "ü" * 296 + ".pdf"},
    lambda _: {"file_name": ""},
    lambda _: {"file_name": ".."},
    lambda _: {"file_name": "CON.txt "},
    lambda _: {"file_name": "invoice\u202efdp.exe"},
    lambda _: {"content_type": "image/png"},
    lambda _: {"content_type": "text/html; charset=utf-8"},
    lambda _: {"content_type": ""},
    lambda _: {"content_type": None, "size": None},
    lambda shown: {"size": int(shown["size"]) + 1_000},
    lambda _: {"malware_scan_result": "not_scanned"},
    lambda _: {"malware_scan_result": "failed_to_scan"},
    lambda shown: {"content_url": _other(shown, "localhost")},
    lambda _: {"content_url": "http://10.0.0.1/attachments/token/inner/?name=a.txt"},
    lambda _: {"content_url": "http://169.254.169.254/latest/meta-data/iam/security-credentials/"},
    lambda _: {"content_url": "http://[::1]:9/attachments/token/inner/?name=a.txt"},
    lambda _: {"content_url": "http://0x7f000001:9/a.txt"},
    lambda _: {"content_url": "file:///etc/passwd"},
    lambda _: {"content_url": "not an address"},
    lambda _: {"content_url": None},
)


def _other(shown: _Shown, host: str) -> str:
    return str(shown["content_url"]).replace("127.0.0.1", host)


def oddities(file: File, shown: _Shown) -> _Shown:
    """What is odd about a file that would otherwise be ``shown``; nothing for pictures in a text."""
    if file.inline or file.redacted or seeds.share(file.place.id, 41) >= SHARE:
        return {}
    changed = _WAYS[seeds.mix(file.place.id, 42) % len(_WAYS)](shown)
    if "content_url" in changed:
        changed["mapped_content_url"] = changed["content_url"]
    return changed
