"""The `Origin` header: the origin of the calling page (RFC 6454)."""

import re

ORIGIN = r"^https?://[a-z0-9.\[\]:-]{1,300}$"  # as browsers write it (6.1)
WHAT_AN_ORIGIN_IS = "each is scheme://host, perhaps with :port, in lower case and without a path"


def is_origin(text: str) -> bool:
    return re.fullmatch(ORIGIN, text, re.ASCII) is not None
