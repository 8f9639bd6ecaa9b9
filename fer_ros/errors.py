# SPDX-License-Identifier: Apache-2.0
"""Errors a user can mend; the message says what, where and what to do, and holds no secret."""

from fer_ros.masking import mask


class FerError(Exception):
    """Base of the errors that carry a message for the user instead of a traceback."""

    def __str__(self) -> str:
        return mask(super().__str__())


class ConfigurationError(FerError, ValueError):
    """A value, file or model given by the user cannot be used."""


class SourceError(FerError, OSError):
    """A camera, file or stream cannot be opened or has stopped."""


class ImageError(FerError, ValueError):
    """An image cannot be read; the message says what is wrong with it."""
