"""The reason phrases that Python versions disagree on."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

REASONS = {  # RFC 9110's; for 422, the dialects'
    413: "Content Too Large",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
}


def set_reasons() -> None:
    """Make uvicorn write them in this process. By default it writes the phrases of the Python that runs it."""
    STATUS_LINE.update({status: f"HTTP/1.1 {status} {reason}\r\n".encode() for status, reason in REASONS.items()})
