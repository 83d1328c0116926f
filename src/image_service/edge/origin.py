"""The `Origin` header: the origin of the calling page (RFC 6454)."""

import re
from collections.abc import Sequence

# As browsers write it (6.1), and the web views of app kits: `capacitor://localhost`.
ORIGIN = r"^[a-z][a-z0-9+.-]{0,30}://[a-z0-9.\[\]:-]{1,300}$"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def origins(values: Sequence[str]) -> list[str]:
    """The origins as browsers write them. For a validator: raises `ValueError`."""
    if not all(re.fullmatch(ORIGIN, each, re.ASCII) for each in values):
        raise ValueError("each is scheme://host, perhaps with :port, in lower case and without a path")
    return [as_sent(each) for each in values]


def as_sent(origin: str) -> str:
    """As browsers write it: without its scheme's default port."""
    scheme, _, host = origin.partition("://")
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, '')) or host}"
