"""The migration.yaml that `migrate init` writes."""

from typing import Final

import jinja2

_TEMPLATE: Final = """\
# What to move, from where to where. Values may be ${NAME}: taken from the environment, or from .env beside this file.
name: {{ subdomain }}                 # everything that is staged goes to data/{{ subdomain }}

source:
  kind: {{ kind }}
  subdomain: {{ subdomain }}
  auth:                         # an OAuth client of an admin (Admin Center > Apps and integrations > OAuth clients)
    client_id: ${ZENDESK_CLIENT_ID}
    client_secret: ${ZENDESK_CLIENT_SECRET}

target:
  kind: intercom
  region: {{ region }}                    # us, eu or au
  workspace: {{ workspace }}            # the run refuses to write to any other
  token: ${INTERCOM_TOKEN}      # of a private app with read and write scopes (Developer Hub > Authentication)
# Without client_secret or token a browser asks: migrate connect source --oauth, migrate connect target --oauth

demo:
  size: 20                      # tickets
  seed: 1                       # the same seed draws the same tickets

options:
  migrated_tag: migrated        # on every migrated ticket; null for none
  files_per_part: 5             # a comment with more files becomes further comments (up to 10)
  invalid_phone: attribute      # attribute, drop or fail
# Which records move (entities, filters), further options, and personal data that stays (masking): docs/options.md
"""


def render(kind: str, subdomain: str, region: str, workspace: str) -> str:
    """The file's text."""
    environment = jinja2.Environment(keep_trailing_newline=True, autoescape=False)  # noqa: S701 - YAML, no HTML
    return environment.from_string(_TEMPLATE).render(kind=kind, subdomain=subdomain, region=region, workspace=workspace)
