"""Telling whoever looks after a migration that a run ended: a JSON document to a web hook, a mail by SMTP.

Belongs here: the message, and sending it to the addresses in migration.yaml alone. Does not belong here: when a run
ends, or messages to customers, of which there are none.
"""

import logging
import smtplib
from email.message import EmailMessage
from typing import Any, Final

import requests

from migration_pipeline.config import Migration
from migration_pipeline.model.errors import MigrationError
from migration_pipeline.reports.report import open_report

TIMEOUT_S: Final = 15.0
_log = logging.getLogger(__name__)


def notice_of(migration: Migration, run_id: str, mode: str, status: str) -> dict[str, Any]:
    """What is told: which run of what ended how, its four columns and its page, where it made a report."""
    told: dict[str, Any] = {"migration": migration.name, "run_id": run_id, "mode": mode, "status": status}
    try:
        made = open_report(migration.root, run_id)
    except MigrationError:
        return told
    return told | {"entities": made.entities, "seconds": made.summary.seconds, "report": str(made.page)}


def send(migration: Migration, notice: dict[str, Any]) -> None:
    """Send a notice every way that migration.yaml names. What fails is logged: a notice never fails a run."""
    settings = migration.notify
    if settings.webhook is not None:
        try:
            answer = requests.post(settings.webhook.get_secret_value(), json=notice, timeout=TIMEOUT_S)
            answer.raise_for_status()
        except requests.RequestException as error:
            # Its text would show the address, which may carry a secret.
            _log.warning("the notice did not reach notify.webhook (%s)", type(error).__name__)
    if settings.email is not None:
        try:
            _mail(migration, notice)
        except (OSError, smtplib.SMTPException) as error:
            _log.warning("the notice did not reach notify.email (%s)", type(error).__name__)


def _mail(migration: Migration, notice: dict[str, Any]) -> None:
    settings = migration.notify.email
    if settings is None:
        return
    message = EmailMessage()
    message["Subject"] = f"{notice['mode']} run of {notice['migration']}: {notice['status']}"
    message["From"], message["To"] = settings.sender, ", ".join(settings.to)
    lines = [f"run {notice['run_id']}"]
    for entity in notice.get("entities", []):
        columns = ", ".join(f"{entity[name]} {name}" for name in ("available", "migrated", "failed", "skipped"))
        lines.append(f"{entity['entity_type']}: {columns}")
    message.set_content("\n".join([*lines, notice.get("report", "")]))
    with smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S) as server:
        if settings.starttls:
            server.starttls()
        if settings.username and settings.password:
            server.login(settings.username, settings.password.get_secret_value())
        server.send_message(message)
