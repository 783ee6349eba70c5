"""HTTP to the services: pooled sessions, retries of reads, pacing by rate headers, safe downloads.

Belongs here: what is true of any service. Does not belong here: one service's paths, shapes or error texts.
"""

from migration_pipeline.http.breaker import Breaker, Tell, tell_nobody
from migration_pipeline.http.downloads import DownloadRefused, download, file_session
from migration_pipeline.http.pacing import Pacer, Window
from migration_pipeline.http.recognition import NotRecognised, recognised
from migration_pipeline.http.session import Answer, ApiSession, Usage, backoff, pause_after, redacted
from migration_pipeline.http.speed import measure
from migration_pipeline.http.threads import CallThreads, under_way

__all__ = [
    "Answer",
    "ApiSession",
    "Breaker",
    "CallThreads",
    "DownloadRefused",
    "NotRecognised",
    "Pacer",
    "Tell",
    "Usage",
    "Window",
    "backoff",
    "download",
    "file_session",
    "measure",
    "pause_after",
    "recognised",
    "redacted",
    "tell_nobody",
    "under_way",
]
