"""The trail: is it whole?"""

from dataclasses import dataclass

from domain.federation.audit import Verdict, verify_chain
from ports.crypto import SealBroken
from ports.federation.audit import AuditReader, Checkpoints


@dataclass(frozen=True, slots=True)
class VerifyAudit:
    """Walk the chain and hold it against the signed checkpoint."""

    audit: AuditReader
    checkpoints: Checkpoints

    def __call__(self) -> Verdict:
        """Return what was found; an edit, a gap, a swap and a cut tail are faults."""
        try:
            # Before the chain, which may grow meanwhile.
            checkpoint = self.checkpoints.read()
        except SealBroken as exc:
            return Verdict(0, str(exc))
        return verify_chain(self.audit.iter_chain(), checkpoint)
