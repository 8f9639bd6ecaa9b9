# SPDX-License-Identifier: Apache-2.0
"""Errors that a user can fix: the message says what, where and what to do, and no secret."""

from fer_ros.masking import mask

#: External text (encodings, labels, names of nodes) is cut at this many characters.
MAXIMUM_TEXT = 200


def cut(text: str) -> str:
    """Return external text cut to :data:`MAXIMUM_TEXT` characters."""
    return text if len(text) <= MAXIMUM_TEXT else f'{text[:MAXIMUM_TEXT]}...'


def shown(value: object) -> str:
    """Return an external value for a message: quoted, printable and cut."""
    return cut(repr(value))


class FerError(Exception):
    """Base class of errors that are shown as a message, without a traceback."""

    def __str__(self) -> str:
        return mask(super().__str__())


class ConfigurationError(FerError, ValueError):
    """A value, file or model that the user set cannot be used."""


class SourceError(FerError, OSError):
    """A camera, file or stream cannot be opened or has stopped."""


class ImageError(FerError, ValueError):
    """An image cannot be read; the message says what is wrong with it."""
