"""What a store's token looks like: it travels in a header."""

import re

# At least as long as a platform's shortest secret (20, in one of the seeds). Random ones have 43 of these characters.
_TOKEN = re.compile(r"[\x21-\x7e]{20,200}", re.ASCII)
MUST_BE = "must be 20 to 200 printable ASCII characters without blanks"


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None
