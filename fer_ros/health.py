# SPDX-License-Identifier: Apache-2.0
"""Status of a part of the system; the nodes publish it on /diagnostics."""

from dataclasses import dataclass, field

#: As in ``diagnostic_msgs/DiagnosticStatus``, where a level is a byte.
OK, WARN, ERROR = b'\x00', b'\x01', b'\x02'
#: Key of the value with the warning that there is no input. If the source is known to have ended,
#: a status with only this message is not a problem.
SILENCE = 'silence'


@dataclass
class Status:
    """Status of a node or part: level, message and values.

    :ivar level: :data:`OK`, :data:`WARN` or :data:`ERROR`.
    :ivar message: one line; for WARN and ERROR with the fix.
    :ivar values: values by name, units in the names.
    """

    level: bytes = OK
    message: str = ''
    values: dict[str, object] = field(default_factory=dict)

    def worsen(self, level: bytes, message: str) -> None:
        """Raise the level; a worse message replaces the present one, an equal one is appended."""
        if level > self.level:
            self.level, self.message = level, message
        elif level == self.level and level != OK:
            self.message = f'{self.message}; {message}'

    def texts(self) -> dict[str, str]:
        """Return the values as text."""
        return {key: f'{value:.2f}' if isinstance(value, float) else str(value)
                for key, value in self.values.items()}
