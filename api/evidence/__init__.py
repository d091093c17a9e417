"""Evidence: a sighting exported as a signed folder, and its verification."""

from api.evidence.export import EvidenceExporter, ExportRequest
from api.evidence.manifest import shown
from api.evidence.packaging import made_whole, outgoing, packed, sent, unpacked
from api.evidence.verify import VerificationReport, check, verify

__all__ = [
    "EvidenceExporter", "ExportRequest", "VerificationReport", "check", "made_whole", "outgoing", "packed", "sent",
    "shown", "unpacked", "verify",
]  # fmt: skip
