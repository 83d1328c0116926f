"""Opens the blob store that a URL names."""

import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from image_service.storage.base import Storage
from image_service.storage.local import LocalStorage
from image_service.storage.staging import Staging

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", re.ASCII)


def open_storage(url: str, staging: Staging) -> Storage:
    """`file:///…` or `s3://bucket/prefix`. Does not contact the store. Raises `ValueError` with a readable message."""
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path:
        return LocalStorage(Path(url2pathname(parts.path)))
    if parts.scheme != "s3":
        raise ValueError("it must be file:///… or s3://bucket/prefix")
    prefix = parts.path.strip("/")
    plain = _BUCKET.fullmatch(parts.netloc) and (not prefix or _PREFIX.fullmatch(prefix))
    if not plain or parts.query or parts.fragment or {".", ".."} & set(prefix.split("/")):
        raise ValueError("it must be s3://bucket/prefix, both of letters, digits and ._- alone; all else is in AWS_*")
    try:
        from image_service.storage.s3 import S3Storage  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise ValueError("s3:// needs obstore: pip install 'image-service[s3]'") from error
    return S3Storage(parts.netloc, prefix, staging)
