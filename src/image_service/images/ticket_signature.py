"""Signs upload ticket URLs: HMAC-SHA256 over the ticket's id and expiry, with a key of this installation.

The key is in the database, so all replicas share it and it survives restarts. The ticket's limits are in its row, not
in the URL, so a client cannot raise them.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import select

from image_service.database.database import Database
from image_service.images.models import SigningKeyRow

PURPOSE = "upload_ticket"
KEY_BYTES = 32  # the digest's length (RFC 2104, 3)


class TicketKey:
    """Read from the database once; it never changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key: bytes | None = None

    async def get(self) -> bytes:
        """The first caller in any process creates it. Raises `DatabaseUnavailable`."""
        if self._key is None:
            row = insert(SigningKeyRow).values(purpose=PURPOSE, key=secrets.token_bytes(KEY_BYTES))
            async with self._database.transaction() as session:
                await session.exec(row.on_conflict_do_nothing())
                found = await session.exec(select(SigningKeyRow.key).where(SigningKeyRow.purpose == PURPOSE))
                self._key = found.one()
        return self._key


def signature(key: bytes, id: UUID, expires: str) -> str:
    """43 URL-safe characters; `expires` exactly as in the URL."""
    said = f"{PURPOSE}\n{id.hex}\n{expires}"
    digest = hmac.digest(key, said.encode("utf-8", "surrogatepass"), sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")


def is_signed(key: bytes, id: UUID, expires: str, given: str) -> bool:
    """Check a signature without the database, in constant time."""
    return hmac.compare_digest(signature(key, id, expires).encode(), given.encode("utf-8", "surrogatepass"))
