"""docs/exactly-once.md says what the code does: its tables are made of the code's own.

Run by hand to write them anew:

    python -m migration_pipeline_tests.journal.test_exactly_once_doc
"""

import re
from pathlib import Path

import migration_pipeline
from migration_pipeline.journal.protocol import STEPS
from migration_pipeline.target.reconcile import RULES

PAGE = Path(migration_pipeline.__file__).parent.parent / "docs" / "exactly-once.md"


def steps() -> str:
    """The protocol as a table."""
    rows = [
        f"| {f'`{state}`' if state else '(none)'} | `{event}` | `{after}` |" for (state, event), after in STEPS.items()
    ]
    return "\n".join(["| state | event | state after |", "|---|---|---|", *rows])


def rules() -> str:
    """The rules of reconciliation as a table."""
    rows = [
        f"| `{kind}` | {rule.certain} | {'yes' if rule.refusal_may_mean_found else 'no'} |"
        for kind, rule in sorted(RULES.items())
    ]
    return "\n".join(["| kind of call | certain | a refusal may mean that it is there |", "|---|---|---|", *rows])


def page() -> str:
    """The page with both tables as the code has them."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (("steps", steps()), ("rules", rules())):
        text = re.sub(
            rf"<!-- {name} -->.*<!-- /{name} -->", f"<!-- {name} -->\n{table}\n<!-- /{name} -->", text, flags=re.S
        )
    return text


def test_the_page_holds_the_tables_of_the_code() -> None:
    told = PAGE.read_text(encoding="utf-8").splitlines()
    missing = [row for row in f"{steps()}\n{rules()}".splitlines() if row not in told]
    assert missing == []


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
