"""Where Shopify's clients send a token: in a header of its own, or as the password of HTTP Basic.

The token alone identifies the store. The user name, an API key of the platform, is ignored.
"""

from image_service.errors import Unauthenticated
from image_service.web.access import credentials
from image_service.web.access.credentials import AUTHENTICATION, Credentials, Scheme


def _token(value: str) -> Credentials:
    if not value.strip():
        raise Unauthenticated("an empty token")
    return None, value.strip()


def _authorization(value: str) -> Credentials:
    _, token = credentials.authorization(value)
    return None, token


ACCESS_TOKEN = Scheme(
    "x-shopify-access-token",
    _token,
    "{}".format,
    {
        "shopify_access_token": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Shopify-Access-Token",
            "description": "The token alone.",
        }
    },
)
AUTHORIZATION = Scheme(
    "authorization",
    _authorization,
    "Bearer {}".format,
    {
        "shopify_basic": {
            "type": "http",
            "scheme": "basic",
            "description": "User: an API key, which is ignored. Password: the token.",
        },
        "bearer": credentials.AUTHORIZATION.described["bearer"],
    },
)
CREDENTIALS = (ACCESS_TOKEN, AUTHORIZATION, AUTHENTICATION)
