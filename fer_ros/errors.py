# SPDX-License-Identifier: Apache-2.0
"""Errors a user can mend; the message says what, where and what to do, and holds no secret."""

from fer_ros.masking import mask

#: Texts of others (encodings, labels, names of nodes) are cut at so many characters.
MAXIMUM_TEXT = 200


def cut(text: str) -> str:
    """Return a text of others as it is kept and sent: not longer than :data:`MAXIMUM_TEXT`."""
    return text if len(text) <= MAXIMUM_TEXT else f'{text[:MAXIMUM_TEXT]}...'


def shown(value: object) -> str:
    """Return a value of others as it is shown in a message: quoted, printable and cut."""
    return cut(repr(value))


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
