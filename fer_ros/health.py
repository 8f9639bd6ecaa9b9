# SPDX-License-Identifier: Apache-2.0
"""What a part of the system says of itself; the nodes publish it on /diagnostics."""

from dataclasses import dataclass, field

#: As in ``diagnostic_msgs/DiagnosticStatus``, where a level is a byte.
OK, WARN, ERROR = b'\x00', b'\x01', b'\x02'
#: Name of the figure with the complaint that nothing comes in. Whoever knows that the source came
#: to its end need not call a status bad whose message is only this.
SILENCE = 'silence'


@dataclass
class Status:
    """What a node says of itself.

    :ivar level: :data:`OK`, :data:`WARN` or :data:`ERROR`.
    :ivar message: one line; for WARN and ERROR with the cure.
    :ivar values: figures by name, units in the names.
    """

    level: bytes = OK
    message: str = ''
    values: dict[str, object] = field(default_factory=dict)

    def worsen(self, level: bytes, message: str) -> None:
        """Take over a worse level; the message of the worst is kept, later ones are appended."""
        if level > self.level:
            self.level, self.message = level, message
        elif level == self.level and level != OK:
            self.message = f'{self.message}; {message}'

    def texts(self) -> dict[str, str]:
        """Return the figures as text."""
        return {key: f'{value:.2f}' if isinstance(value, float) else str(value)
                for key, value in self.values.items()}
