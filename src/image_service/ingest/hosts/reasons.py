"""Machine-readable reasons why a source URL failed.

Until a checked host has responded, all failures share one code and one text: see `fetch_policy`.
"""

from image_service.ingest.fetch_policy import COULD_NOT_BE_FETCHED, FetchFailed, FetchReason

NOT_FETCHED = "not_fetched"
STATUSES = {
    401: "forbidden",
    403: "forbidden",
    404: "not_found",
    410: "gone",
    429: "too_many_requests",
}
OTHER_STATUS = "bad_status"
HOST_ERROR = "host_error"  # 5xx
BAD_URL = "bad_url"
REASONS = {
    FetchReason.TOO_SLOW: "timed_out",
    FetchReason.CUT_OFF: "cut_off",
    FetchReason.EMPTY: "empty",
    FetchReason.ENCODED_BODY: "damaged",
    FetchReason.FRAGMENTED: "fragmented",
}


def reason_of(failed: FetchFailed) -> str:
    if failed.public == COULD_NOT_BE_FETCHED:
        return NOT_FETCHED
    if failed.status is not None:
        return STATUSES.get(failed.status, HOST_ERROR if failed.status >= 500 else OTHER_STATUS)
    return REASONS.get(failed.reason, BAD_URL)
