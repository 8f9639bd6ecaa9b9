# SPDX-License-Identifier: Apache-2.0
"""ROS4HRI (REP-155): publish our faces under /humans, or classify those of hri_face_detect."""

from fer_ros.conversions import optional
from fer_ros.errors import ConfigurationError
from fer_ros.nodes import image_input
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import Status
from fer_ros.nodes.parameters import Parameter
from fer_ros.nodes.program import run
from fer_ros.nodes.ros4hri_listen import Listening
from fer_ros.nodes.ros4hri_publish import Publishing


class Ros4Hri(ManagedNode):
    """Lifecycle node that converts between our messages and those of ROS4HRI."""

    PARAMETERS = (
        Parameter('mode', 'publish', 'publish: our faces and emotions under humans_namespace; '
                  'listen: the faces of a running hri_face_detect become our face_topics[0], and '
                  'our emotions the expressions of those faces', choices=('publish', 'listen')),
        Parameter('humans_namespace', '/humans', 'namespace of the ROS4HRI topics'),
        Parameter('face_topics', ['faces'], 'topics of our face arrays, each with its emotions '
                  'beside it (cam1/faces: cam1/emotions)'),
        Parameter('retention_s', 2.0, 'a face not seen for this long loses its topics and its id, '
                  'seconds', minimum=0.1, maximum=60.0),
        Parameter('image_width_px', 640, 'listen: width of the images of hri_face_detect, whose '
                  'regions have no pixels', minimum=1, maximum=16384),
        Parameter('image_height_px', 480, 'listen: height of the images of hri_face_detect',
                  minimum=1, maximum=16384),
        *image_input.PARAMETERS,
    )

    def __init__(self, **kwargs):
        super().__init__('ros4hri', **kwargs)
        self._part = None

    def configure(self) -> None:
        """Check that hri_msgs is installed."""
        optional.require(optional.hri, 'hri_msgs')
        if not self.value('face_topics'):
            raise ConfigurationError('face_topics is empty: expected one or more topics')
        if self.value('mode') == 'listen' and len(self.value('face_topics')) != 1:
            raise ConfigurationError('face_topics has more than one topic: mode listen supports '
                                     'one stream of faces')

    def activate(self) -> None:
        """Start the conversion."""
        self._part = (Publishing if self.value('mode') == 'publish' else Listening)(self)

    def deactivate(self) -> None:
        """Stop, and remove the faces."""
        if self._part is not None:
            self._part.close()
            self._part = None

    def report(self, status: Status) -> None:
        """Add figures."""
        status.values['mode'] = self.value('mode')
        if self._part is not None:
            self._part.report(status)


def main(args: list[str] | None = None) -> int:
    """Run the ROS4HRI node."""
    return run(Ros4Hri, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
