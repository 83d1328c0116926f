"""`image-service openapi`."""

from image_service.cli.console import print_json, read_settings


def openapi() -> None:
    """Print the OpenAPI document."""
    from image_service.app import create_app  # noqa: PLC0415 - takes as long as all others together

    print_json(create_app(read_settings()).openapi())
