"""The tests of delivery over HTTP and of originals once more, with the bytes in S3."""

from tests.api.test_delivery_http import *  # noqa: F403
from tests.api.test_originals import *  # noqa: F403
