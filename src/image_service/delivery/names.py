"""What is fixed of pictures in answers, logs and metrics."""

from types import SimpleNamespace

PREFIX = "/stores/"  # of the paths of all pictures
LABEL = "delivery"  # in metrics, beside the dialects
TAG = "Delivery"  # in OpenAPI
ROUTE = SimpleNamespace(path_format="/stores/{path}")  # as logs and metrics name it
PUBLIC = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}
