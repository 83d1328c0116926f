"""What a browser says of the page that a call comes from (RFC 6454)."""

import re

_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]{1,300}", re.ASCII)  # as browsers write it (6.1)
WHAT_AN_ORIGIN_IS = "each is scheme://host, perhaps with :port, in lower case and without a path"


def is_origin(text: str) -> bool:
    return _ORIGIN.fullmatch(text) is not None
