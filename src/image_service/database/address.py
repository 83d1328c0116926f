"""The database's URL, as hosting platforms print it, in the form that SQLAlchemy and asyncpg read.

Without SQLAlchemy, which takes longer to import than some commands take to run.
"""

import re
from urllib.parse import parse_qsl, urlencode

WANTED = "postgresql://user:password@host/name is wanted, with %40 and the like for other characters"
TLS = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
KNOWN = {"host", "port", "user", "password", "database", "passfile", "ssl", "target_session_attrs"}
VARIABLES = {name: f"PG{name.upper()}" for name in ("sslrootcert", "sslcert", "sslkey", "sslcrl")}  # asyncpg reads them
SQLALCHEMYS = {"prepared_statement_cache_size", "prepared_statement_name_func"}
_URL = re.compile(
    r"postgres(?:ql)?(?:\+asyncpg)?://"
    r"(?P<place>(?:[^:/]*(?::[^@]*)?@)?(?:\[[^/?]*\]|[^/:?]*)(?::(?P<port>[^/?]*))?(?:/[^?]*)?)"
    r"(?:\?(?P<query>.*))?"
)


def address(url: str) -> str:
    """`url` with its driver, and with libpq's `sslmode` as asyncpg's `ssl`. Raises `ValueError`, without the URL."""
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(WANTED)
    if found["port"] and not found["port"].isdecimal():
        raise ValueError(f"its port is no number; {WANTED}")
    query = [("ssl" if name == "sslmode" else name, value) for name, value in parse_qsl(found["query"] or "")]
    if unknown := sorted({name for name, _ in query} - KNOWN - SQLALCHEMYS):
        if variable := VARIABLES.get(unknown[0]):
            raise ValueError(f"its parameter {unknown[0]!r} is not known here: set {variable} in the environment")
        raise ValueError(f"its parameter {unknown[0]!r} is not known here: leave it out; sslmode and host are")
    for name, value in query:
        if name == "ssl" and value not in TLS:
            raise ValueError(f"its sslmode is none of {', '.join(TLS)}")
    return f"postgresql+asyncpg://{found['place']}" + (f"?{urlencode(query, safe='/')}" if query else "")
