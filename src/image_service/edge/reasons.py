"""The reason phrases that Python versions disagree on."""

REASONS = {  # RFC 9110's; for 422, the dialects'
    413: "Content Too Large",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
}
