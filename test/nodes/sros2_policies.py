# SPDX-License-Identifier: Apache-2.0
"""Write config/sros2/policies.xml from the real nodes: what each publishes, reads and answers.

``make sros2`` rewrites the file; a test compares it.
"""

from importlib import import_module
from pathlib import Path
import sys
import threading
import urllib.error
import urllib.request
from xml.sax.saxutils import escape

sys.path.insert(0, str(Path(__file__).parents[1]))
from fer_ros.conversions import optional  # noqa: E402
from fer_ros.nodes.composed import NODES  # noqa: E402
import optional_messages  # noqa: E402
from ros_support import Graph  # noqa: E402

REPOSITORY = Path(__file__).parents[2]
FILE = REPOSITORY / 'config' / 'sros2' / 'policies.xml'
ROLES = {
    'perception': ('camera_driver', 'face_detector', 'emotion_classifier', 'attention'),
    'home': ('smart_home_bridge',),
    'viewer': ('dashboard', 'annotator', 'markers', 'detections', 'ros4hri')}
SETTINGS = {
    'camera_driver': {'source': '/dev/video97'}, 'dashboard': {'port': 0},
    'smart_home_bridge': {'dry_run': True}}
#: Names that depend on a parameter, on people in view, or on the distribution.
EXTRA = {
    'camera_driver': {'subscribe': ['emotions']},
    'face_detector': {'subscribe': ['image_raw/compressed']},
    'annotator': {'subscribe': ['image_raw/compressed']},
    'dashboard': {'subscribe': ['attention', 'image_raw', 'image_raw/compressed', 'load']},
    'attention': {'subscribe': ['image_raw/compressed']},
    'markers': {'subscribe': ['depth/image_raw']},
    'ros4hri': {'publish': ['faces', '/humans/faces/*'], 'subscribe': ['/humans/faces/*']}}
_EVERY = {'publish': ['/rosout', '/parameter_events', '/diagnostics'],
          'subscribe': ['/clock', '/parameter_events'], 'reply': ['~/get_type_description']}
#: Of the whole domain, wherever a node's namespace is.
_GLOBAL = ('/rosout', '/parameter_events', '/diagnostics', '/clock', '/tf', '/tf_static')
_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: Apache-2.0
     What each node may do, by role, for SROS 2: docs/network.md says how to use it.
     Made by "make sros2" from the nodes themselves; for a namespace change every ns="/". -->
"""


def start_all(graph) -> dict:
    """Return every node by name, active, each with a subscriber for each of its topics."""
    optional.hri = optional.hri or optional_messages.load('hri_msgs')
    optional.vision = optional.vision or optional_messages.load('vision_msgs')
    optional.tf2 = optional.tf2 or optional_messages.load('tf2_msgs')
    nodes = {name: graph.add(getattr(import_module(module), kind), **SETTINGS.get(name, {}))
             for name, (module, kind) in NODES.items()}
    for node in nodes.values():
        for publisher in list(node.publishers):
            if publisher.topic_name not in _GLOBAL:
                graph.node.create_subscription(publisher.msg_type, publisher.topic_name,
                                               lambda _: None, 1)
    threading.Thread(target=_look, args=(nodes['dashboard'].url,), daemon=True).start()
    return nodes


def _look(url: str) -> None:
    """Want one picture, as a browser does."""
    try:
        urllib.request.urlopen(f'{url}/api/cameras/camera/picture', timeout=30).close()
    except (urllib.error.URLError, OSError):
        pass  # the page may be closed meanwhile; EXTRA has the topics all the same


def access_of(node, name: str) -> dict[str, list[str]]:
    """Return what a node publishes, subscribes to, answers and asks for, sorted."""
    # The graph, as others see it: rclpy does not list the endpoints of the lifecycle.
    where = node.get_name(), node.get_namespace()
    found = {kind: [text for text, _ in ask(*where)] for kind, ask in (
        ('publish', node.get_publisher_names_and_types_by_node),
        ('subscribe', node.get_subscriber_names_and_types_by_node),
        ('reply', node.get_service_names_and_types_by_node),
        ('request', node.get_client_names_and_types_by_node))}
    own = f'/{name}/'
    access = {}
    for kind, names in found.items():
        names = {text if text in _GLOBAL or text.startswith('/humans/') else
                 '~/' + text.removeprefix(own) if text.startswith(own) else text.lstrip('/')
                 for text in names}
        if '/humans/faces/*' in EXTRA.get(name, {}).get(kind, ()):
            names = {text for text in names if not text.startswith('/humans/faces/')}
        access[kind] = sorted(names | set(_EVERY.get(kind, ())) | set(EXTRA.get(name, {})
                                                                      .get(kind, ())))
    return access


def render(nodes: dict) -> str:
    """Return the policies of all roles as XML."""
    lines = [_HEAD + '<policy version="0.2.0">', '  <enclaves>']
    for role, names in ROLES.items():
        lines += [f'    <enclave path="/{role}">', '      <profiles>']
        for name in names:
            lines.append(f'        <profile ns="/" node="{name}">')
            access = access_of(nodes[name], name)
            for kind, tag, item in (('publish', 'topics', 'topic'),
                                    ('subscribe', 'topics', 'topic'),
                                    ('reply', 'services', 'service'),
                                    ('request', 'services', 'service')):
                if access[kind]:
                    lines.append(f'          <{tag} {kind}="ALLOW">')
                    lines += [f'            <{item}>{escape(text)}</{item}>'
                              for text in access[kind]]
                    lines.append(f'          </{tag}>')
            lines.append('        </profile>')
        lines += ['      </profiles>', '    </enclave>']
    return '\n'.join([*lines, '  </enclaves>', '</policy>', ''])


def main() -> None:
    """Write the file, or with an argument the one that it names."""
    with Graph() as running:
        made = start_all(running)
        before = ''
        while (text := render(made)) != before:
            before = text
            threading.Event().wait(3)
        file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        print(f'{file} written')


if __name__ == '__main__':
    main()
