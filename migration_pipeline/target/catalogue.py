"""What a target workspace already has: admins, teams, tags and attributes, as frozen rows with a JSON round trip.

Belongs here: the rows and reading them from the service. Does not belong here: matching a source's people, fields and
tags to them (`proposals`), or creating what is missing (`loader`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import orjson

from migration_pipeline.target.client import IntercomClient


@dataclass(frozen=True)
class Admin:
    """A teammate."""

    id: str
    name: str
    email: str | None
    has_seat: bool = True


@dataclass(frozen=True)
class Team:
    """A team of teammates."""

    id: str
    name: str


@dataclass(frozen=True)
class Tag:
    """A tag; names are one, whatever their case."""

    id: str
    name: str


@dataclass(frozen=True)
class Option:
    """A value of a list attribute. Data attributes of contacts and companies have no option ids: `id` is the value."""

    id: str
    label: str


@dataclass(frozen=True)
class ConversationAttribute:
    """An attribute that conversations may carry."""

    id: str
    name: str
    data_type: str
    options: tuple[Option, ...] = ()
    archived: bool = False
    required: bool = False


@dataclass(frozen=True)
class DataAttribute:
    """An attribute of contacts or companies; those that are not custom are Intercom's own, and keep their names."""

    id: str
    name: str
    model: str  # contact | company
    data_type: str  # as mapping.yaml calls it
    options: tuple[str, ...] = ()
    archived: bool = False
    custom: bool = True


@dataclass(frozen=True)
class Catalogue:
    """A workspace, and what it had when it was read."""

    workspace: str  # the id_code of GET /me
    region: str  # us | eu | au
    timezone: str
    me: Admin
    admins: tuple[Admin, ...] = ()
    teams: tuple[Team, ...] = ()
    tags: tuple[Tag, ...] = ()
    conversation_attributes: tuple[ConversationAttribute, ...] = ()
    data_attributes: tuple[DataAttribute, ...] = ()

    def to_json(self) -> bytes:
        """The catalogue as a JSON document."""
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, document: bytes) -> Self:
        """The catalogue that `to_json` wrote.

        Raises:
            KeyError, TypeError: another version of the pipeline wrote the document.
        """
        read: dict[str, Any] = orjson.loads(document)
        return cls(
            workspace=read["workspace"],
            region=read["region"],
            timezone=read["timezone"],
            me=Admin(**read["me"]),
            admins=tuple(Admin(**row) for row in read["admins"]),
            teams=tuple(Team(**row) for row in read["teams"]),
            tags=tuple(Tag(**row) for row in read["tags"]),
            conversation_attributes=tuple(
                ConversationAttribute(**{**row, "options": _options(row["options"])})
                for row in read["conversation_attributes"]
            ),
            data_attributes=tuple(
                DataAttribute(**{**row, "options": tuple(row["options"])}) for row in read["data_attributes"]
            ),
        )


def _options(rows: Iterable[dict[str, str]]) -> tuple[Option, ...]:
    return tuple(Option(**row) for row in rows)


@dataclass(frozen=True)
class Workspace:
    """Whom a token belongs to."""

    id: str
    name: str
    region: str


def read_workspace(client: IntercomClient) -> Workspace:
    """The workspace of the client's token (GET /me).

    Raises:
        AccessDenied, ServiceDown, RunStopped, Rejected: see `ApiSession.read`.
    """
    app = client.me().get("app") or {}
    region = str(app.get("region") or "us").lower()
    return Workspace(str(app.get("id_code") or ""), str(app.get("name") or ""), region)


def read_catalogue(client: IntercomClient) -> Catalogue:
    """Read what the workspace has; six calls, none of which changes anything.

    Raises:
        AccessDenied, ServiceDown, RunStopped, Rejected: see `ApiSession.read`.
    """
    me = client.me()
    app = me.get("app") or {}
    return Catalogue(
        workspace=str(app.get("id_code") or ""),
        region=str(app.get("region") or "us").lower(),
        timezone=str(app.get("timezone") or "UTC"),
        me=_admin(me),
        admins=tuple(_admin(row) for row in client.admins()),
        teams=tuple(Team(str(row["id"]), str(row.get("name") or "")) for row in client.teams()),
        tags=read_tags(client),
        conversation_attributes=read_conversation_attributes(client),
        data_attributes=(*read_data_attributes(client, "contact"), *read_data_attributes(client, "company")),
    )


def read_tags(client: IntercomClient) -> tuple[Tag, ...]:
    """The workspace's tags as they are now."""
    return tuple(Tag(str(row["id"]), str(row.get("name") or "")) for row in client.tags())


def read_conversation_attributes(client: IntercomClient) -> tuple[ConversationAttribute, ...]:
    """The workspace's conversation attributes as they are now."""
    return tuple(
        ConversationAttribute(
            id=str(row["id"]),
            name=str(row.get("name") or ""),
            data_type=str(row.get("data_type") or "string"),
            options=tuple(
                Option(str(option.get("id") or option.get("label")), str(option.get("label") or ""))
                for option in row.get("options") or ()
                if isinstance(option, dict) and not option.get("archived")
            ),
            archived=bool(row.get("archived")),
            required=bool(row.get("required")),
        )
        for row in client.conversation_attributes()
    )


_PLAIN_TYPES: Final[Mapping[str, str]] = {"float": "decimal", "date": "datetime", "options": "list"}
"""Types of data attributes in the words of conversation attributes; what is not listed is called the same."""


def read_data_attributes(client: IntercomClient, model: str) -> tuple[DataAttribute, ...]:
    """The attributes of contacts or companies as they are now; one with options is read back as a string."""
    return tuple(
        DataAttribute(
            id=str(row.get("id") or ""),
            name=str(row.get("name") or ""),
            model=model,
            data_type="list" if row.get("options") else _plain_type(row),
            options=tuple(
                str(option.get("value") if isinstance(option, dict) else option) for option in row.get("options") or ()
            ),
            archived=bool(row.get("archived")),
            custom=bool(row.get("custom", True)),
        )
        for row in client.data_attributes(model)
    )


def _plain_type(row: dict[str, Any]) -> str:
    told = str(row.get("data_type") or "string")
    return _PLAIN_TYPES.get(told, told)


def _admin(row: dict[str, Any]) -> Admin:
    return Admin(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        email=row.get("email"),
        has_seat=bool(row.get("has_inbox_seat", True)),
    )
