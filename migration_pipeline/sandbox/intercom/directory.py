"""Who works in the workspace: admins and teams. They cannot be made by API, so they follow from the seed alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DOMAIN = "acme.example"
OLD_DOMAIN = "acme-group.example"
# By the last digit of an agent's number, where only a part of them has a teammate.
NAME_ALONE = (4, 9)
NOT_AT_ALL = (1,)
LOUD = 3
"""The agent whose teammate's address has another letter case."""
FALLBACK_EMAIL = f"migration@{DOMAIN}"
AGENTS = 40
TEAMS = ("Support", "Billing", "Sales", "Technical", "Enterprise", "Onboarding")
FIRST_NAMES = ("Ana", "Ben", "Chloe", "Dmitri", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jonas", "Keiko", "Liam")
LAST_NAMES = ("Ahlers", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jansen", "Kaya")


@dataclass(frozen=True, slots=True)
class Admin:
    """A teammate."""

    id: int
    name: str
    email: str
    has_inbox_seat: bool
    team_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Team:
    """A team with its members' ids."""

    id: int
    name: str
    admin_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Directory:
    """All admins and teams by id; the first admin is the token's own and the fallback author of a migration."""

    admins: dict[int, Admin]
    teams: dict[int, Team]

    @property
    def me(self) -> Admin:
        """The admin who made the token."""
        return next(iter(self.admins.values()))


def directory(seed: int) -> Directory:
    """Admins for those agents of the help desk whose number is no multiple of seven, and six teams."""
    return _with(
        seed,
        {
            k: (
                f"{FIRST_NAMES[(k + seed) % len(FIRST_NAMES)]} {LAST_NAMES[(k * 3 + seed) % len(LAST_NAMES)]}",
                f"agent{k}@{DOMAIN}",
            )
            for k in range(1, AGENTS + 1)
            if k % 7
        },
    )


def partial_directory(seed: int, agents: Sequence[str]) -> Directory:
    """Admins for some of the agents with these names: most by address, some by name alone, some not, and six teams."""
    people: dict[int, tuple[str, str]] = {}
    for k, name in enumerate(agents, start=1):
        if k % 10 in NAME_ALONE:
            people[k] = (name, f"colleague{k}@{OLD_DOMAIN}")
        elif k == LOUD:
            people[k] = (name, f"AGENT{k}@{DOMAIN.title()}")
        elif k % 7 and k % 10 not in NOT_AT_ALL:
            people[k] = (name, f"agent{k}@{DOMAIN}")
    return _with(seed, people)


def _with(seed: int, people: Mapping[int, tuple[str, str]]) -> Directory:
    """The token's own admin and `people`, name and address by number, spread over the teams."""
    base = 4_100_000 + seed % 1000 * 100
    teams = {base * 2 + n: name for n, name in enumerate(TEAMS, start=1)}
    team_ids = list(teams)
    admins = [Admin(base, "Migration Account", FALLBACK_EMAIL, has_inbox_seat=True, team_ids=())]
    for k, (name, email) in people.items():
        member_of = tuple(sorted({team_ids[k % len(team_ids)], team_ids[k // 3 % len(team_ids)]}))
        admins.append(Admin(base + k, name, email, k % 13 != 0, member_of))
    members = {team: tuple(a.id for a in admins if team in a.team_ids) for team in teams}
    return Directory(
        {admin.id: admin for admin in admins},
        {team: Team(team, name, members[team]) for team, name in teams.items()},
    )
