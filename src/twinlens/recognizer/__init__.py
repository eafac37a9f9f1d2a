"""Photos -> decisions: verify, enrol, identify, search, cluster, explain. The only place where the stages meet."""

from __future__ import annotations

from twinlens.recognizer.album import clusters_of
from twinlens.recognizer.audit import Audit, AuditOptions, Finding, audit_gallery
from twinlens.recognizer.collection import IndexOptions
from twinlens.recognizer.enrolment import EnrolOptions, summary
from twinlens.recognizer.explanation import ExplainedPhoto, Explanation
from twinlens.recognizer.facade import Recognizer
from twinlens.recognizer.occlusion import OcclusionOptions
from twinlens.recognizer.pipeline import PhotoOptions
from twinlens.recognizer.results import Cluster, EnrolmentReport, Examined, Identification, Portrait, Sighting

__all__ = [
    "Audit",
    "AuditOptions",
    "Cluster",
    "EnrolOptions",
    "EnrolmentReport",
    "Examined",
    "ExplainedPhoto",
    "Explanation",
    "Finding",
    "Identification",
    "IndexOptions",
    "OcclusionOptions",
    "PhotoOptions",
    "Portrait",
    "Recognizer",
    "Sighting",
    "audit_gallery",
    "clusters_of",
    "summary",
]
