"""Plans of the service: how many calls a minute, and which features.

Numbers: the service's public table of rate limits by plan; the add-on for high volume raises them to 2,500.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan with its calls a minute; ``high_volume`` is the add-on."""

    name: str
    per_minute: int
    forms: bool = True
    custom_roles: bool = False
    satisfaction: bool = True
    high_volume: bool = False


_PLANS = {
    plan.name: plan
    for plan in (
        Plan("suite-team", 200, forms=False, satisfaction=False),
        Plan("suite-growth", 400),
        Plan("suite-professional", 400),
        Plan("suite-enterprise", 700, custom_roles=True),
        Plan("suite-enterprise-plus", 2500, custom_roles=True),
        Plan("support-essential", 10, forms=False, satisfaction=False),
        Plan("support-team", 200, forms=False, satisfaction=False),
        Plan("support-professional", 400, forms=False),
        Plan("support-enterprise", 700, custom_roles=True),
    )
}
DEFAULT = "suite-professional"
NAMES = tuple(_PLANS)


def plan_of(name: str | None) -> Plan:
    """The plan of a name such as `suite-growth` or `suite-professional+hv`. Raises ValueError with the known names."""
    base, _, addition = (name or DEFAULT).partition("+")
    if base not in _PLANS or addition not in ("", "hv"):
        raise ValueError(f"no plan is called {name!r}; known are {', '.join(NAMES)}, each also with +hv")
    plan = _PLANS[base]
    if not addition:
        return plan
    return Plan(f"{base}+hv", 2500, plan.forms, plan.custom_roles, plan.satisfaction, high_volume=True)
