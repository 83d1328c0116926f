"""All settings of the service, read from the environment in one place.

Each field is the variable `IMAGE_SERVICE_{NAME}`; docs/settings.md lists all of them. Only `app.py` and the code
that starts it use this object: the layers below get plain values.
"""

import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from image_service.database.address import address
from image_service.database.limits import COMMAND_SECONDS, LEAST_CONNECTIONS, MAX_BIGINT
from image_service.edge.limits import ConnectionLimits
from image_service.edge.origin import origins
from image_service.edge.token import MUST_BE, is_token
from image_service.pixels.limits import Limits
from image_service.pixels.picture import ALWAYS_TAKEN, DRAWN, Format, readable
from image_service.pixels.sizes import DEFAULT_SIZES, SRC_SIZE, Offer, Size

MB = 1_000_000


def _words(value: object) -> object:
    """Splits a list at spaces or commas."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _sizes(value: object) -> object:
    words = _words(value)
    return tuple(Size.parse(word) for word in words) if isinstance(words, list) else words


def _offered(sizes: tuple[Size, ...]) -> tuple[Size, ...]:
    if SRC_SIZE not in sizes or len(set(sizes)) != len(sizes):
        raise ValueError(f"{SRC_SIZE} must be among them, and none twice")
    return sizes


def _taken(formats: tuple[Format, ...] | None) -> tuple[Format, ...] | None:
    if formats is None:
        return None
    if missing := set(formats) - set(readable()):
        raise ValueError(f"no decoder of {', '.join(missing)} is installed: `pip install 'image-service[heic]'`")
    if not set(formats).issuperset(ALWAYS_TAKEN) or len(set(formats)) != len(formats):
        raise ValueError("gif, jpg and png must be among them, and none twice")
    return formats


def _drawn(formats: tuple[Format, ...]) -> tuple[Format, ...]:
    if not set(formats).issubset(DRAWN):
        raise ValueError(f"pictures are sent as {', '.join(DRAWN)}")
    return formats


def _token(value: str | None) -> str | None:
    if value is not None and not is_token(value):
        raise ValueError(MUST_BE)
    return value


def _address(value: object) -> object:
    return address(value) if isinstance(value, str) else value


def _base_url(value: str) -> str:
    HttpUrl(value)
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_words)]
StoreId = Annotated[int, Field(ge=1, le=MAX_BIGINT)]


PREFIX = "IMAGE_SERVICE_"
TOKEN_VARIABLE = PREFIX + "TOKEN"  # a store's, for commands that call a running service; not a setting


def client_token() -> str | None:
    return os.environ.get(TOKEN_VARIABLE)


def unknown_variables() -> list[str]:
    """Variables with our prefix that are no setting: most likely typos."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {TOKEN_VARIABLE}
    return sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    # Where it runs
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    # Seconds that it goes on answering after a SIGTERM, as not ready: as long as a load balancer takes to look again.
    # 0 by default: without a load balancer the delay would only make a stop slower.
    stop_delay: float = Field(default=0.0, ge=0, le=300)
    # Seconds for the requests then under way: 10 MB over a line of 5 Mbit/s, and its check.
    stop_grace: float = Field(default=20.0, ge=0, le=3600)
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")

    # Where things are kept
    data_dir: Path = Path("data")
    database_url: Annotated[str | None, BeforeValidator(_address)] = None
    database_connections: int = Field(default=20, ge=LEAST_CONNECTIONS, le=1000)  # of all workers together
    database_seconds: float = Field(default=COMMAND_SECONDS, gt=0, le=300)  # for an answer to one statement
    storage_url: str | None = None  # file:///somewhere or s3://bucket/prefix; a folder in DATA_DIR by default

    # What URLs look like from outside; `Host` never makes one
    public_url: BaseUrl | None = None
    delivery_url: BaseUrl | None = None
    delivery_redirect_url: BaseUrl | None = None  # a CDN on the bucket: bytes then bypass the service

    # Who may call
    bootstrap_store: str | None = Field(default=None, min_length=1, max_length=200)
    bootstrap_token: Annotated[str | None, AfterValidator(_token)] = None
    anonymous_store: StoreId | None = None
    auth_failures_per_minute: int = Field(default=60, ge=1, le=1_000_000)  # a lost setting retried; a guess needs 2^255
    rate_limit_bucket: int | None = Field(default=None, ge=1, le=1_000_000)  # the platform's own has 40 …
    rate_limit_per_second: float | None = Field(default=None, gt=0, le=1_000_000)  # … and 2
    trusted_proxies: Networks = ()
    cors_origins: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(lambda value: tuple(origins(value)))
    ] = ()

    gallery: bool = True  # false: an API alone on the internet has no use for a page that asks for tokens
    upload_ticket_max_seconds: int = Field(default=3600, ge=60, le=7 * 24 * 3600)  # a URL that leaks is worth no more

    # The dialects
    bukalapak_always_200: bool = False
    max_images_per_product: int = Field(default=250, ge=1, le=10_000)  # the platform's own limit

    idempotency_wait: float = Field(default=10.0, ge=0, le=60)  # seconds; most clients give up at 30

    # Delivery
    sizes: Annotated[tuple[Size, ...], NoDecode, BeforeValidator(_sizes), AfterValidator(_offered)] = DEFAULT_SIZES
    negotiate_formats: bool = True
    draw_wait: float = Field(default=10.0, gt=0, le=300)  # seconds; a browser gives up on a picture at about 30
    draw_seconds: float = Field(default=60.0, gt=0, le=600)  # 100 MP of frames as GIF take 35
    kept_pixels: int = Field(default=256 * 1024**2, ge=0)  # bytes, of all workers: some 110 photos; 0: none
    kept_pixels_dir: Path = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it

    # What is rendered of a new picture of a product before anybody asks, in idle time; none by default.
    eager_sizes: Annotated[tuple[Size, ...], NoDecode, BeforeValidator(_sizes)] = ()
    eager_formats: Annotated[tuple[Format, ...], NoDecode, BeforeValidator(_words), AfterValidator(_drawn)] = ()
    eager_effort: int = Field(2, ge=0, le=4)

    # Ingestion
    max_image_bytes: int = Field(default=10 * 1024 * 1024 - 1, ge=1)  # "less than 10MB" (both seeds)
    # None: each API takes what its document names, and the others all that have a decoder. Set, it holds everywhere.
    input_formats: Annotated[tuple[Format, ...] | None, NoDecode, BeforeValidator(_words), AfterValidator(_taken)] = (
        None
    )
    max_json_bytes: int = Field(default=14_500_000, ge=1)  # 10 MB in base64 with its line breaks, and the rest
    max_pixels: int = Field(default=Limits.pixels, ge=1)
    max_animation_pixels: int = Field(default=Limits.all_pixels, ge=1)  # of all frames together
    max_side: int = Field(default=Limits.side, ge=1)
    max_frames: int = Field(default=Limits.frames, ge=1)
    max_scans: int = Field(default=Limits.scans, ge=1)
    check_wait: float = Field(default=30.0, gt=0, le=300)  # seconds; an upload is not lost to a burst of rendering
    check_seconds: float = Field(default=20.0, gt=0, le=600)  # the slowest good file takes 2
    ingest_concurrency: int = Field(default=64, ge=1, le=10_000)  # checked and stored at once in a worker

    # Jobs
    jobs: int = Field(default=8, ge=0, le=1000)  # done at once in a worker; 0: other instances do them
    job_retry_seconds: float = Field(default=120.0, gt=0, le=3600)  # for five tries more at a host's bad minute

    # The sweep
    # Seconds between two audits, which list all blobs, for what no reservation tells of; 0: only after a restore.
    audit_interval: float = Field(default=604_800.0, ge=0, le=31_536_000)
    sweep_interval: float = Field(default=3600.0, ge=0, le=31_536_000)  # seconds; 0: never by itself
    orphan_ttl: float | None = Field(
        default=None, gt=0, le=3_153_600_000
    )  # seconds; a client may assign one years later

    # Connections; the reasons for the numbers are beside `ConnectionLimits`
    connections: int = Field(default=ConnectionLimits.connections, ge=1, le=100_000)
    head_seconds: float = Field(default=ConnectionLimits.head_seconds, gt=0, le=300)
    body_seconds: float = Field(default=ConnectionLimits.body_seconds, gt=0, le=3600)
    stall_seconds: float = Field(default=ConnectionLimits.stall_seconds, gt=0, le=300)
    bytes_per_second: int = Field(default=ConnectionLimits.bytes_per_second, ge=1)
    buffered_bytes: int = Field(default=ConnectionLimits.buffered_bytes, ge=1024 * 1024)

    # Fetching a `src`
    fetch_seconds: float = Field(default=20.0, gt=0, le=300)  # a whole fetch, with all its redirects
    fetch_redirects: int = Field(default=10, ge=0, le=50)  # short link, http to https, www, CDN; browsers follow 20
    # Some hosts turn unknown programs away, or want to know whom to write to.
    fetch_user_agent: str | None = Field(default=None, pattern=r"^[!-~]([ -~]{0,198}[!-~])?$")
    fetch_concurrency: int = Field(default=32, ge=1, le=1000)
    sync_seconds: float = Field(default=60.0, gt=0, le=3600)  # for all that a gallery's sync fetches; a proxy waits 120
    fetch_allow_private: bool = False
    fetch_allow_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_words)] = ()

    @model_validator(mode="after")
    def _bootstrap_is_whole(self) -> Self:
        if (self.bootstrap_store is None) != (self.bootstrap_token is None):
            raise ValueError("BOOTSTRAP_STORE and BOOTSTRAP_TOKEN go together")
        name = self.bootstrap_store or ""
        if name.isascii() and name.isdecimal() and not 1 <= int(name) <= MAX_BIGINT:
            raise ValueError("BOOTSTRAP_STORE is no store's id")
        return self

    @model_validator(mode="after")
    def _every_worker_has_its_connections(self) -> Self:
        if self.database_connections < LEAST_CONNECTIONS * self.workers:
            raise ValueError("DATABASE_CONNECTIONS must be at least twice WORKERS")
        return self

    @model_validator(mode="after")
    def _rate_limit_is_whole(self) -> Self:
        if (self.rate_limit_bucket is None) != (self.rate_limit_per_second is None):
            raise ValueError("RATE_LIMIT_BUCKET and RATE_LIMIT_PER_SECOND go together")
        return self

    @model_validator(mode="after")
    def _what_is_eager_is_offered(self) -> Self:
        if bool(self.eager_sizes) != bool(self.eager_formats):
            raise ValueError("EAGER_SIZES and EAGER_FORMATS go together")
        if not set(self.eager_sizes).issubset(self.sizes):
            raise ValueError("EAGER_SIZES must be among SIZES")
        return self

    @property
    def api_base(self) -> str:
        """What `Location` and `Link` start with."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def delivery_base(self) -> str:
        """What every picture's URL starts with."""
        return self.delivery_url or self.api_base

    @property
    def pixel_processes(self) -> int:
        """For each worker: ceil(cores / workers)."""
        return -(-(os.cpu_count() or 1) // self.workers)

    @property
    def offer(self) -> Offer:
        return Offer(self.sizes, self.draw_seconds)

    @property
    def limits(self) -> Limits:
        return Limits(
            formats=self.input_formats or readable(),
            pixels=self.max_pixels,
            all_pixels=self.max_animation_pixels,
            side=self.max_side,
            frames=self.max_frames,
            scans=self.max_scans,
            draw_seconds=self.draw_seconds,
        )

    @property
    def connection_limits(self) -> ConnectionLimits:
        return ConnectionLimits(
            connections=self.connections,
            head_seconds=self.head_seconds,
            body_seconds=self.body_seconds,
            stall_seconds=self.stall_seconds,
            bytes_per_second=self.bytes_per_second,
            buffered_bytes=self.buffered_bytes,
        )
