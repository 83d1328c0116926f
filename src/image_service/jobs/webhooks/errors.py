"""What can go wrong with webhooks, beside what `errors.py` has."""

from image_service.errors import ImageServiceError


class WebhookNotFound(ImageServiceError):
    """No such webhook of this store."""


class TooManyWebhooks(ImageServiceError):
    """The store has as many as it may have."""


class WebhookOff(ImageServiceError):
    """Something is to be sent to a webhook that has been switched off."""


class DeliveryNotFound(ImageServiceError):
    """Nothing with this id was sent to this webhook."""


class DeliveryUnderWay(ImageServiceError):
    """What is to be sent again is being sent at this moment."""
