"""Errors, chosen by how one recovers from them.

    MigrationError
    ├── SettingsError        a person changes a setting (exit 2)
    ├── RefusedByGate        a person approves, or names the right workspace (exit 3)
    ├── RunStopped           the run was asked to stop; the next one goes on
    └── ServiceError
        ├── AccessDenied     401, 403: the run stops; a person mends credentials, scopes or the plan
        ├── ServiceDown      reads failed after every retry; the run stops and can be started again
        ├── Rejected         the service definitely did not apply the call: this record fails, the run goes on
        └── InDoubt          a write whose effect is unknown: reconcile before sending again

The text of an error tells the reader what to do next, and never holds a secret.
"""


class MigrationError(Exception):
    """Base of every error that a user may see; its text is one clear sentence."""


class SettingsError(MigrationError):
    """A setting is wrong or missing; the sentence names the setting to change."""


class RefusedByGate(MigrationError):
    """The run may not start: wrong workspace, missing approval, or another loader at work."""


class RunStopped(MigrationError):
    """The run was asked to stop; everything done so far is kept."""


class ServiceError(MigrationError):
    """A service did not answer as asked."""


class AccessDenied(ServiceError):
    """The service refused the credentials, or they lack a scope or a plan."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        """Take the sentence, and the HTTP status where there was an answer."""
        super().__init__(message)
        self.status = status


class ServiceDown(ServiceError):
    """The service could not be reached, or kept failing, through every retry."""


class Rejected(ServiceError):
    """The service refused one call and did not apply it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Take the HTTP status, the service's own error code ('' where it has none) and its message."""
        super().__init__(f"{status} {code}: {message}" if code else f"{status}: {message}")
        self.status = status
        self.code = code
        self.message = message


class InDoubt(ServiceError):
    """A write was sent and no usable answer came back: it may or may not have been applied."""
