"""What makes an upload ticket's URL one of ours: HMAC-SHA256 over its id and its end, with a key of this installation.

The key is in the database, so every replica has it and a restart changes nothing. What the ticket allows is not in the
URL but in its row: there is nothing in the URL that could be changed for more.
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
KEY_BYTES = 32  # as many as the digest has (RFC 2104, 3)


class TicketKey:
    """Asked of the database once; it never changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key: bytes | None = None

    async def get(self) -> bytes:
        """The first caller of all processes makes it. Raises `DatabaseUnavailable`."""
        if self._key is None:
            row = insert(SigningKeyRow).values(purpose=PURPOSE, key=secrets.token_bytes(KEY_BYTES))
            async with self._database.transaction() as session:
                await session.exec(row.on_conflict_do_nothing())
                found = await session.exec(select(SigningKeyRow.key).where(SigningKeyRow.purpose == PURPOSE))
                self._key = found.one()
        return self._key


def signature(key: bytes, id: UUID, expires: str) -> str:
    """43 characters that may stand in a URL; `expires` as it is in the same URL."""
    said = f"{PURPOSE}\n{id.hex}\n{expires}"
    digest = hmac.digest(key, said.encode("utf-8", "surrogatepass"), sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")


def is_signed(key: bytes, id: UUID, expires: str, given: str) -> bool:
    """Check a signature without the database, in constant time."""
    return hmac.compare_digest(signature(key, id, expires).encode(), given.encode("utf-8", "surrogatepass"))
