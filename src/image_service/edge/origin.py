"""The `Origin` header: the origin of the calling page (RFC 6454)."""

import re

ORIGIN = r"^https?://[a-z0-9.\[\]:-]{1,300}$"  # as browsers write it (6.1)
WHAT_AN_ORIGIN_IS = "each is scheme://host, perhaps with :port, in lower case and without a path"


def is_origin(text: str) -> bool:
    return re.fullmatch(ORIGIN, text, re.ASCII) is not None


def as_sent(origin: str) -> str:
    """As browsers write it: without its scheme's default port."""
    port = ":443" if origin.startswith("https:") else ":80"
    bare = origin.removesuffix(port)
    return bare if is_origin(bare) else origin
