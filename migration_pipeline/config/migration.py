"""`migration.yaml`: from where, to where, and how. Models with their defaults, and loading.

Belongs here: settings a person chooses. Does not belong here: what becomes what (`mapping.py`), or what a run is about
to do (the load plan).
"""

import logging
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, SecretStr, model_validator

from migration_pipeline.config import yamlfile
from migration_pipeline.config.filters import Entities, Filters
from migration_pipeline.config.help_center import HelpCenter
from migration_pipeline.config.masking import Masking
from migration_pipeline.config.secrets import literal_secrets
from migration_pipeline.config.tickets import TicketRule
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.run import Check

_log = logging.getLogger(__name__)

REGIONS = {"us": "https://api.intercom.io", "eu": "https://api.eu.intercom.io", "au": "https://api.au.intercom.io"}
MOST_FILES_PER_PART: Final = 10
"""What a reply may carry (Intercom OpenAPI 2.16, replyConversation)."""
"""Intercom's regional hosts (Intercom OpenAPI 2.16, servers)."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ZendeskAuth(_Settings):
    """Zendesk credentials: an OAuth client, or the legacy API token of an admin."""

    client_id: str | None = Field(None, min_length=1, description="of an OAuth client")
    client_secret: SecretStr | None = Field(
        None, description="of the OAuth client; write ${NAME}, or leave it out after `migrate connect source --oauth`"
    )
    email: str | None = Field(None, description="of the admin whose API token it is")
    token: SecretStr | None = Field(None, description="a legacy API token, with email; write ${NAME}")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        oauth, legacy = bool(self.client_id), bool(self.email and self.token)
        if oauth == legacy or (self.client_secret and not oauth):
            raise ValueError(
                "give either client_id, with client_secret or without it after `migrate connect source --oauth`, or "
                "email and token"
            )
        return self


class Source(_Settings):
    """The help desk that is read. It is never written to."""

    kind: Literal["zendesk"] = Field(description="the help desk's service")
    subdomain: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9-]*$", description="acme for acme.zendesk.com")
    base_url: HttpUrl | None = Field(None, description="used exactly as given, instead of subdomain")
    auth: ZendeskAuth = Field(description="client_id, mostly with client_secret, or email and token")
    workers: int = Field(8, ge=1, le=64, description="concurrent requests at the source")
    file_hosts: tuple[str, ...] = Field(
        (), description="hosts besides the service's own that files may be fetched from"
    )
    help_center_hosts: tuple[str, ...] = Field(
        (), description="hosts of brands' help centers, besides the account's own, that may see the credentials"
    )
    max_file_bytes: int = Field(100_000_000, ge=0, description="larger files are left out and reported")
    foreign_images: Literal["link", "fetch"] = Field(
        "link", description="images that comments show from other hosts stay links, or are fetched as files"
    )
    article_comments: Literal["changed", "list", "leave"] = Field(
        "changed",
        description="comments of readers cannot move, and are staged and told: of new and changed articles (changed), "
        "of all articles that take comments, by a call for each on every pass (list), or of none (leave)",
    )
    suspended_tickets: Literal["leave", "list"] = Field(
        "leave",
        description="messages held back as suspected spam are no tickets yet; list has them told as skipped ones",
    )
    patience_s: float = Field(900, ge=0, description="seconds that a run waits for a help desk that is down")

    @model_validator(mode="after")
    def _address(self) -> Self:
        if bool(self.subdomain) == bool(self.base_url):
            raise ValueError("give either subdomain or base_url")
        return self

    @property
    def url(self) -> str:
        """Base URL without a trailing slash."""
        return str(self.base_url or f"https://{self.subdomain}.zendesk.com").rstrip("/")

    @property
    def account(self) -> str:
        """What staged data is marked with, so that two accounts are never mixed."""
        return f"{self.kind}:{self.url}"


class Target(_Settings):
    """The Intercom workspace that is written to, and no other."""

    kind: Literal["intercom"] = Field("intercom", description="the target's service")
    region: Literal["us", "eu", "au"] = Field("us", description="where the workspace is hosted")
    base_url: HttpUrl | None = Field(None, description="used exactly as given, instead of region")
    token: SecretStr | None = Field(
        None,
        description="of a private app of the workspace; write ${NAME}, or leave it out after "
        "`migrate connect target --oauth`",
    )
    workspace: str = Field(min_length=1, description="the id_code that GET /me answers")
    api_version: str = Field("2.16", description="sent as Intercom-Version")
    workers: int = Field(16, ge=1, le=64, description="threads that are loaded at the same time")
    search_wait_s: float = Field(
        300, ge=0, description="seconds until Intercom's search surely shows what was made, after a call without answer"
    )
    patience_s: float = Field(900, ge=0, description="seconds that a run waits for an Intercom that is down")

    @property
    def url(self) -> str:
        """Base URL without a trailing slash."""
        return str(self.base_url or REGIONS[self.region]).rstrip("/")


class Demo(_Settings):
    """Which tickets and articles a demo moves."""

    size: int = Field(20, ge=1, le=1000, description="tickets")
    articles: int = Field(5, ge=0, le=1000, description="articles of the help center, with their collections")
    seed: int = Field(1, ge=0, description="the same seed draws the same tickets")


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no time zone of this name; take one like Europe/Berlin")
    return name


class Delta(_Settings):
    """When the schedule of deltas starts one; the schedule itself is off until somebody turns it on."""

    cron: str = Field(
        "0 2 * * *", pattern=r"^[\d*/,-]+( [\dA-Za-z*/,-]+){4}$", description="minute hour day month weekday"
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field("UTC", description="of the cron's hours")


def _title(template: str) -> str:
    if re.search(r"[{}]", re.sub(r"\{(subject|id)\}", "", template)) or "{" not in template:
        raise ValueError("write {subject} and {id} where they are to stand, and no other braces")
    return template


class Full(_Settings):
    """When the full run is to start; the schedule itself is off until somebody turns it on."""

    at: AwareDatetime | None = Field(None, description="date, time and zone, like 2026-12-05T20:00:00+01:00")


class Mail(_Settings):
    """A mail to those who look after the migration."""

    host: str = Field(description="of the SMTP server")
    port: int = Field(587, ge=1, le=65535, description="of the SMTP server")
    sender: str = Field(description="address that the mail comes from")
    to: tuple[str, ...] = Field(min_length=1, description="addresses, never a customer's")
    username: str | None = Field(None, description="where the server asks for one")
    password: SecretStr | None = Field(None, description="where the server asks for one")
    starttls: bool = Field(True, description="whether the connection is encrypted")


class Notify(_Settings):
    """Who is told that a run ended; nobody unless set."""

    webhook: SecretStr | None = Field(None, description="an address that a JSON document is posted to")
    email: Mail | None = Field(None, description="a mail by SMTP")


class Archive(_Settings):
    """How long staged data is kept."""

    after_days: int = Field(5, ge=0, description="days from the last run until what is staged is packed")
    keep_days: int = Field(30, ge=0, description="days that an archive is kept")


class Checklist(_Settings):
    """Who sees to the items of the checklist."""

    owner: str = Field("unassigned", description="of every item that names nobody else")
    owners: dict[str, str] = Field(default_factory=dict, description="item: person or team")


class Options(_Settings):
    """How records move."""

    migrated_tag: str | None = Field("migrated", description="put on every migrated ticket; null for none")
    title: Annotated[str, AfterValidator(_title)] = Field(
        "{subject}", description="of a conversation; {id} is the ticket's id in the source"
    )
    ticket_fields_note: bool = Field(False, description="an internal note at the start lists all fields of the ticket")
    inactive_people: Literal["move", "skip"] = Field(
        "move", description="whether tickets of inactive and deleted requesters move"
    )
    unreferenced_contacts: Literal["keep", "skip"] = Field(
        "keep", description="whether contacts and companies move that no ticket that moves refers to"
    )
    order: Literal["oldest", "open_first", "recent_first"] = Field("oldest", description="which tickets go first")
    files_per_part: int = Field(
        5, ge=1, le=MOST_FILES_PER_PART, description="a comment with more files becomes further comments"
    )
    max_file_bytes: int = Field(
        100_000_000, ge=0, description="larger files stay in the staged data, named in the text and reported"
    )
    max_body_chars: int = Field(100_000, ge=500, description="a longer message becomes several in a row")
    max_parts: int = Field(480, ge=10, le=480, description="a longer thread goes on in a further, linked conversation")
    invalid_phone: Literal["attribute", "drop", "fail"] = Field(
        "attribute", description="what becomes of a phone number that Intercom cannot use"
    )
    refused_dates: Literal["text", "fail"] = Field(
        "text",
        description="what becomes of a message whose date the workspace does not take: its text names it, or it fails",
    )
    conflicts: Literal["keep_target", "source_wins", "report_only"] = Field(
        "keep_target", description="what a delta does where people changed in Intercom what changed in the source too"
    )
    edited_comments: Literal["report", "append"] = Field(
        "report", description="what becomes of a comment whose text was edited after it was migrated"
    )
    deleted_tickets: Literal["report", "delete"] = Field(
        "report", description="what becomes of the conversation of a ticket that was deleted after it was migrated"
    )
    profile_notes: Literal["note", "leave"] = Field(
        "note",
        description="what becomes of notes and details of contacts and companies: a note in Intercom, or nothing",
    )
    ticket_events: bool = Field(False, description="changes of tickets (status, assignee, …) arrive as private notes")
    snooze_days: int = Field(30, ge=1, le=365, description="how long pending tickets stay snoozed after the migration")


class Migration(_Settings):
    """A migration: one source, one target workspace, one folder of staged data."""

    version: Literal[1] = Field(1, description="of the file's format")
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="the folder below data_dir")
    data_dir: Path = Field(Path("data"), description="relative to this file")
    source: Source = Field(description="the help desk that is read")
    target: Target = Field(description="the workspace that is written to")
    demo: Demo = Field(Demo(), description="which tickets a demo moves")
    delta: Delta = Field(Delta(), description="when the schedule of deltas starts one")
    full: Full = Field(Full(), description="when the full run is to start")
    checklist: Checklist = Field(Checklist(), description="who sees to what people do")
    notify: Notify = Field(Notify(), description="who is told that a run ended")
    archive: Archive = Field(Archive(), description="how long staged data is kept")
    entities: Entities = Field(ENTITY_TYPES, description="which entity types move")
    filters: Filters = Field(Filters(), description="which tickets move; without any, all do")
    options: Options = Field(Options(), description="how records move")
    tickets: tuple[TicketRule, ...] = Field(
        (),
        description="which tickets become Intercom tickets; the first rule that fits decides, without any they are "
        "conversations",
    )
    masking: Masking = Field(Masking(), description="what of people's data does not leave the machine")
    help_center: HelpCenter = Field(HelpCenter(), description="how articles, their pictures and links move")
    path: Path = Field(exclude=True, description="the file this was read from")

    @model_validator(mode="before")
    @classmethod
    def _empty_sections(cls, document: Any) -> Any:
        """A section whose last line was deleted reads as null."""
        optional = (
            "demo",
            "delta",
            "full",
            "checklist",
            "notify",
            "archive",
            "entities",
            "filters",
            "options",
            "tickets",
            "masking",
            "help_center",
        )
        return {key: value for key, value in document.items() if value is not None or key not in optional}

    @property
    def root(self) -> Path:
        """Folder of everything this migration stages and writes down."""
        return (self.path.parent / self.data_dir / self.name).resolve()

    @property
    def mapping_path(self) -> Path:
        """`mapping.yaml`, beside `migration.yaml`."""
        return self.path.with_name("mapping.yaml")


def load_migration(path: Path) -> Migration:
    """Read and validate `migration.yaml`.

    Raises:
        SettingsError: see `yamlfile.load`.
    """
    migration = yamlfile.load(path, Migration, path=path.resolve())
    for warning in literal_secrets(path, Migration):
        _log.warning("%s", warning)
    return migration


def secret_checks(path: Path) -> list[Check]:
    """What the preflight says of secrets that stand in the file.

    Raises:
        SettingsError: the file cannot be read.
    """
    risk = "Whoever sees the file, or a copy of it, can use them."
    remedy = "Write ${NAME} there, put NAME=... into .env beside the file, and have the secret replaced."
    return [Check("secrets_in_file", "warn", told, risk, remedy) for told in literal_secrets(path, Migration)]
