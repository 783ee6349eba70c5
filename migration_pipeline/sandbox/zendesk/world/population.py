"""Who and what exists: users, organizations and groups as compact arrays, drawn all at once.

Here: counts, kinds, times and ties of people. Not here: their names and texts (``people``), tickets (``skeleton``).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from migration_pipeline.sandbox.zendesk.world.vocabulary import GROUPS, LANGUAGE_WEIGHTS

Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.int32]

DAY = 86_400
SPAN = 3 * 365 * DAY

# User flags.
NO_EMAIL, ODD_PHONE, SECOND_EMAIL, SHARED_EMAIL, SUSPENDED, DELETED, GONE, PHONE, PHOTO, SECOND_PHONE = (
    1 << k for k in range(10)
)
# Agent kinds, by agent number.
ADMIN, AGENT, LIGHT, DOWNGRADED, SUSPENDED_AGENT, TEAM_LEAD = range(6)


@dataclass
class Population:
    """Arrays by user number (agents first) and by organization number; times in unix seconds."""

    agents: int
    agent_kind: Small
    agent_groups: list[list[int]]
    groups: int
    members: list[list[int]]
    """Per group: the agents who may be assigned tickets."""
    writers: list[int]
    """Agents of today who may answer in public."""
    light: list[int]
    former: list[int]
    """Deactivated agents, who still are authors of old comments."""
    created: Ints
    updated: Ints
    flags: Small
    language: Small
    org: Small
    second_org: Small
    third_org: Small
    org_created: Ints
    org_updated: Ints
    org_deleted: npt.NDArray[np.bool_]

    def sharing_office(self, number: int) -> int:
        """The office whose address a user with SHARED_EMAIL lists; two neighbours share one."""
        return int(np.count_nonzero(self.flags[:number] & SHARED_EMAIL)) // 2

    @property
    def users(self) -> int:
        """How many users there are, agents among them."""
        return len(self.created)


def populate(tickets: int, seed: int, epoch: int) -> Population:
    """The people of a help desk with so many tickets, their times before ``epoch``."""
    draw = np.random.default_rng([seed, 11])
    agents = min(40, 12 + tickets // 250)
    customers = max(8, round(tickets * 0.6))
    users = agents + customers
    orgs = max(4, round(tickets * 0.08))
    groups = min(len(GROUPS), 4 + tickets // 150)

    kinds = np.full(agents, AGENT, np.int32)
    kinds[0] = ADMIN
    kinds[1] = ADMIN
    kinds[3::9] = LIGHT
    kinds[5] = DOWNGRADED
    kinds[8] = SUSPENDED_AGENT
    kinds[18::17] = DOWNGRADED
    kinds[2::11] = np.where(kinds[2::11] == AGENT, TEAM_LEAD, kinds[2::11])
    writers = [k for k in range(agents) if kinds[k] in (ADMIN, AGENT, TEAM_LEAD)]
    agent_groups = [sorted({k % groups, (k * 5 + 1) % groups} if k % 3 else {k % groups}) for k in range(agents)]
    members = [[k for k in writers if g in agent_groups[k]] or [0] for g in range(groups)]

    flags = np.zeros(users, np.int32)
    chance = draw.random((10, users))
    for bit, rate in (
        (NO_EMAIL, 0.04),
        (PHONE, 0.35),
        (ODD_PHONE, 0.05),
        (SECOND_EMAIL, 0.10),
        (SHARED_EMAIL, 0.015),
        (SUSPENDED, 0.01),
        (DELETED, 0.02),
        (GONE, 0.012),
        (PHOTO, 0.06),
        (SECOND_PHONE, 0.04),
    ):
        row = chance[bit.bit_length() - 1]
        # From 40 customers on every trait is had by at least two of them.
        chosen = row <= np.quantile(row[agents:], max(rate, 2.5 / customers)) if customers >= 40 else row < rate
        flags[chosen] |= bit
    flags[:agents] &= PHONE | PHOTO
    flags[(flags & SHARED_EMAIL) != 0] &= ~np.int32(NO_EMAIL | GONE)
    # Whoever is gone for good is not merely deleted as well.
    flags[(flags & GONE) != 0] &= ~np.int32(DELETED | SUSPENDED)

    org_deleted = draw.random(orgs) < 0.02
    if orgs >= 12:
        org_deleted[11] = True
    empty = (np.arange(orgs) % 9 == 5) | org_deleted
    eligible = np.flatnonzero(~empty)

    def place(share: float) -> Small:
        chosen = eligible[(draw.random(users) ** 1.7 * len(eligible)).astype(np.int64)]
        chosen = np.where(draw.random(users) < share, chosen, -1)
        chosen[:agents] = -1
        return chosen.astype(np.int32)

    org = place(0.75)
    second = np.where(org >= 0, place(0.07), -1).astype(np.int32)
    if users > agents + 5 and len(eligible) > 2:
        org[agents + 4], second[agents + 4] = eligible[0], eligible[1]
    second = np.where(second == org, -1, second).astype(np.int32)
    third = np.where(second >= 0, place(0.2), -1).astype(np.int32)
    third = np.where((third == org) | (third == second), -1, third).astype(np.int32)
    flags[agents + 4 : agents + 5] &= PHONE | PHOTO

    start = epoch - SPAN
    created = (start + draw.random(users) * (SPAN - DAY)).astype(np.int64)
    created[:agents] = start - 30 * DAY + np.arange(agents) * 3_607
    updated = created + ((epoch - 7200 - created) * draw.random(users) ** 2).astype(np.int64)
    # A bulk edit of people: many carry one and the same second.
    updated[draw.random(users) < 0.03] = epoch - 9 * DAY
    updated = np.maximum(updated, created)
    org_created = (start + draw.random(orgs) * (SPAN / 2)).astype(np.int64)
    org_updated = org_created + ((epoch - 7200 - org_created) * draw.random(orgs)).astype(np.int64)
    org_updated[draw.random(orgs) < 0.05] = epoch - 20 * DAY
    if orgs >= 8:
        org_updated[1:4] = epoch - 20 * DAY
    return Population(
        agents,
        kinds,
        agent_groups,
        groups,
        members,
        writers,
        [k for k in range(agents) if kinds[k] == LIGHT],
        [k for k in range(agents) if kinds[k] in (DOWNGRADED, SUSPENDED_AGENT)],
        created,
        updated,
        flags,
        draw.choice(len(LANGUAGE_WEIGHTS), users, p=LANGUAGE_WEIGHTS).astype(np.int32),
        org,
        second,
        third,
        org_created,
        org_updated,
        org_deleted,
    )
