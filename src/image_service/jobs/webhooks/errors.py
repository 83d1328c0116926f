"""Errors of webhooks, in addition to `errors.py`."""

from image_service.errors import ImageServiceError


class WebhookNotFound(ImageServiceError):
    """No such webhook of this store."""


class TooManyWebhooks(ImageServiceError):
    """The store has the maximum number of webhooks."""


class WebhookOff(ImageServiceError):
    """The webhook is switched off, so nothing can be sent to it."""


class DeliveryNotFound(ImageServiceError):
    """The webhook has no delivery with this id."""


class DeliveryUnderWay(ImageServiceError):
    """The delivery to send again is being sent now."""
