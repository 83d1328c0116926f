"""The service's URL and the token, for commands that call a running service."""

import sys
from typing import Annotated

import httpx
import typer

from image_service.cli.console import read_settings
from image_service.settings import TOKEN_VARIABLE, client_token

Url = Annotated[str | None, typer.Option("--url", help="The running service.  [default: PUBLIC_URL, or HOST and PORT]")]
TokenStdin = Annotated[
    bool, typer.Option("--token-stdin", help=f"Read the token from standard input, not from {TOKEN_VARIABLE}.")
]


def url_of(given: str | None) -> str:
    """The service's URL. Raises `ValueError` if it is not a valid one."""
    url = given or read_settings().api_base
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.port == 0:
        raise ValueError(f"--url must be the service's own, such as http://127.0.0.1:8000; it is {url}")
    return url


def token(*, from_stdin: bool) -> str:
    """Raises `ValueError` if there is none."""
    found = sys.stdin.readline().strip() if from_stdin else client_token()
    if not found or not found.isascii() or not found.isprintable():
        raise ValueError(f"a token is needed: in {TOKEN_VARIABLE}, or on standard input with --token-stdin")
    return found
