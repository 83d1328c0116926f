"""Constants of pictures for answers, logs and metrics."""

from types import SimpleNamespace

PREFIX = "/stores/"  # of all picture paths
LABEL = "delivery"  # in metrics, beside the dialects
TAG = "Delivery"  # in OpenAPI
ROUTE = SimpleNamespace(path_format="/stores/{path}")  # the name in logs and metrics
PUBLIC = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}
