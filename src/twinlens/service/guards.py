"""Settings -> keys, audit log and stored answers: the files that the service keeps beside its galleries."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from twinlens.errors import ServiceError
from twinlens.service.audit_log import AuditLog
from twinlens.service.idempotency import Answers
from twinlens.service.keys import Keyring
from twinlens.service.metrics import Metrics
from twinlens.service.settings import Settings


@dataclass(frozen=True, slots=True)
class Guards:
    """What watches over requests.

    Attributes:
        keyring: who may ask.
        audit: what was done.
        answers: what was said to requests that may be repeated.
        metrics: figures of this process.
    """

    keyring: Keyring
    audit: AuditLog
    answers: Answers
    metrics: Metrics = field(default_factory=Metrics)

    def open_service(self) -> bool:
        """Whether there are no keys, so that everybody on this machine may do everything."""
        try:
            return not self.keyring.in_use()
        except ServiceError:  # the gate will say so
            return False

    def close(self) -> None:
        """Release their files."""
        self.answers.close()
        self.audit.close()
        self.keyring.close()


def open_guards(settings: Settings) -> Guards:
    """Open the files, making those that are not there.

    Raises:
        ServiceError: one of them cannot be used.
    """
    with ExitStack() as opened:
        keyring = keyring_of(settings)
        opened.callback(keyring.close)
        audit = AuditLog(settings.data_dir / "audit")
        opened.callback(audit.close)
        answers = Answers(settings.data_dir / "answers.db")
        opened.pop_all()
    return Guards(keyring, audit, answers)


def keyring_of(settings: Settings) -> Keyring:
    """Open the keys alone.

    Raises:
        ServiceError: the file cannot be used.
    """
    return Keyring(settings.data_dir / "keys.db")
