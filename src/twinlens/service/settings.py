"""Environment, command line -> Settings: everything that whoever runs the service may choose, in one place.

Each setting is an environment variable of the same name in capitals after ``TWINLENS_``; docs/service.md holds the
table, and a test holds the two equal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from twinlens.image import ImageLimits
from twinlens.image.limits import MIB
from twinlens.runtime import RuntimeOptions, usable_cores
from twinlens.score import DEFAULT_FMR, DEFAULT_FPIR, Policy
from twinlens.zoo import DEFAULT_DETECTOR, DEFAULT_EMBEDDER, user_folder


class Settings(BaseSettings):
    """What the service was told."""

    model_config = SettingsConfigDict(
        env_prefix="TWINLENS_", frozen=True, extra="ignore", env_ignore_empty=True, protected_namespaces=()
    )

    # where it listens
    host: str = Field(default="127.0.0.1", description="Address to listen on; beyond loopback only with a key.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    hosts: tuple[str, ...] = Field(
        default=(), description="Further names the service is reached by, as JSON; without keys only those of loopback."
    )
    root_path: str = Field(default="", description="Path under which a reverse proxy serves it.")

    # what it keeps
    data_dir: Path = Field(
        default_factory=lambda: user_folder().parent / "service",
        description="Galleries, keys, audit log, stored answers.",
    )
    gallery_url: str = Field(
        default="",
        description="Another engine for the galleries: a URL with {gallery} in it, as milvus://host:19530/{gallery}.",
    )
    open_galleries: int = Field(default=32, ge=1, description="Galleries held open at once.")
    reports_dir: Path | None = Field(default=None, description="Folder with reports of twinlens evaluate, to be shown.")
    retention_interval_s: float = Field(
        default=3600.0, gt=0, description="How often galleries with a retention time are swept."
    )

    # what answers
    model: str = Field(default=DEFAULT_EMBEDDER, description="The embedder: a name from twinlens models list.")
    detector: str = Field(default=DEFAULT_DETECTOR, description="The detector: a name from twinlens models list.")
    scales: Literal["single", "multi", "tiny"] = Field(default="multi", description="Scales at which faces are sought.")
    engine: Literal["openvino", "onnxruntime"] | None = Field(
        default=None, description="Empty: the fastest that is here."
    )
    precision: Literal["float32", "bfloat16"] = Field(default="float32", description="Arithmetic of the networks.")
    calibration: str | None = Field(default=None, description="Saved by twinlens calibrate; empty: the one in force.")
    target_fmr: float = Field(default=DEFAULT_FMR, gt=0, lt=1, description="Strangers accepted in a comparison.")
    target_fpir: float = Field(
        default=DEFAULT_FPIR, gt=0, lt=1, description="Searches by strangers that name somebody."
    )

    # how much at once
    workers: int = Field(default_factory=usable_cores, ge=1, description="Photos in work at once; default: the cores.")
    line: int = Field(default=64, ge=0, description="Requests that may wait besides those in work; beyond: 503.")
    micro_batching: bool = Field(default=True, description="Embed faces of concurrent requests in one call.")

    # how much of it
    max_photo_bytes: int = Field(default=16 * MIB, ge=1, description="Bytes of one photo.")
    max_pixels: int = Field(default=40_000_000, ge=1, description="Pixels of one photo, found out before decoding.")
    max_photos: int = Field(default=1000, ge=1, description="Photos in one enrolment.")
    max_bulk_bytes: int = Field(default=1024 * MIB, ge=1, description="Bytes of one enrolment of many photos.")
    max_json_bytes: int | None = Field(
        default=None, ge=1, description="Bytes of a JSON body; empty: two photos of that size in base64."
    )
    upload_timeout_s: float = Field(default=10.0, gt=0, description="Waiting for a body before its pace counts.")
    upload_bytes_per_s: float = Field(default=32 * 1024, gt=0, description="The pace: bytes a second of a body.")
    upload_most_s: float = Field(default=300.0, gt=0, description="Waiting for a body altogether; then 408.")
    bulk_upload_most_s: float = Field(default=1800.0, gt=0, description="The same for an enrolment of many photos.")
    request_timeout_s: float = Field(default=60.0, gt=0, description="Time for an answer once the request is there.")
    shutdown_s: int = Field(default=30, ge=1, description="Time to finish requests when it is told to stop.")
    rate_per_s: float = Field(default=50.0, gt=0, description="Requests a second of one key or address.")
    rate_burst: int = Field(default=200, ge=1, description="Requests at once of one key or address.")

    # what is let in and out
    allow_url: bool = Field(default=False, description="Fetch photos given as http(s) addresses; private ones never.")
    metrics_admin: bool = Field(default=False, description="Ask for an admin key on /metrics.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="What is logged.")

    @property
    def limits(self) -> ImageLimits:
        """Bytes and pixels of one photo."""
        return ImageLimits(self.max_photo_bytes, self.max_pixels)

    @property
    def json_bytes(self) -> int:
        """Bytes of a JSON body with photos: of two, and what stands around them, however many are asked for."""
        return self.max_json_bytes or 2 * (self.max_photo_bytes // 3 + 1) * 4 + 64 * 1024

    @property
    def runtime(self) -> RuntimeOptions:
        """Engine, precision and threads."""
        return RuntimeOptions(self.engine, self.precision, self.workers)

    @property
    def policy(self) -> Policy:
        """When the answer is yes, where a request does not say."""
        return Policy(target_fmr=self.target_fmr, target_fpir=self.target_fpir)
