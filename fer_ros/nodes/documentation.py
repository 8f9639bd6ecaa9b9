# SPDX-License-Identifier: Apache-2.0
"""Write config/fer.yaml and the tables of docs/nodes.md from the nodes' declarations.

``python3 -m fer_ros.nodes.documentation`` in the source tree rewrites both; a test compares them.
"""

import argparse
from importlib import import_module
from pathlib import Path
import re
import textwrap

from fer_ros.nodes.base import COMMON_PARAMETERS
from fer_ros.nodes.composed import NODES
from fer_ros.nodes.parameters import markdown_table, Parameter
import yaml

#: What the launch files set from their arguments stands in the YAML as a comment only, for a
#: value there would have no effect or, for the model, would win over the argument.
LAUNCH_ARGUMENTS = {'source': 'source', 'policy_file': 'policy', 'autostart': 'autostart',
                    'address': 'web_address', 'port': 'web_port', 'model': 'model',
                    'emotion_model': 'model'}

_HEAD = """\
# Parameters of all nodes, with their defaults. Copy this file, change what you need and leave out
# the rest: ros2 launch fer_ros fer.launch.py params_file:=/path/to/yours.yaml
# or for one node: ros2 run fer_ros face_detector --ros-args --params-file /path/to/yours.yaml
#
# '/**/' matches every namespace; '/kitchen/face_detector:' would mean that node alone. An unknown
# name or a value out of its range ends the start with a message. "At run time" marks what
# 'ros2 param set' changes while the node runs; the rest takes effect at configure.
# Made by python3 -m fer_ros.nodes.documentation from the declarations in the code.
"""


def tables() -> dict[str, tuple[Parameter, ...]]:
    """Return the parameters of every node by the node's name."""
    return {name: (*getattr(import_module(module), maker).PARAMETERS, *COMMON_PARAMETERS)
            for name, (module, maker) in NODES.items()}


def render_yaml() -> str:
    """Return the parameter file with every default and its description."""
    lines = [_HEAD]
    for name, table in tables().items():
        # rcl refuses a node without any parameter.
        empty = '# ' if all(p.name in LAUNCH_ARGUMENTS for p in table) else ''
        lines += [f'{empty}/**/{name}:', f'{empty}  ros__parameters:']
        for parameter in table:
            notes = [f'{parameter.description}']
            if parameter.constraint:
                notes.append(parameter.constraint)
            if parameter.dynamic:
                notes.append('at run time')
            argument = LAUNCH_ARGUMENTS.get(parameter.name)
            if argument:
                notes.append(f'with launch: the argument {argument}')
            lines += textwrap.wrap('. '.join(note[0].upper() + note[1:] for note in notes) + '.',
                                   99, initial_indent='    # ', subsequent_indent='    # ',
                                   break_long_words=False)
            value = yaml.safe_dump(parameter.default, default_flow_style=True, width=1000)
            value = value.removesuffix('\n').removesuffix('\n...')
            lines.append(f'    {"# " if argument else ""}{parameter.name}: {value}')
        lines.append('')
    return '\n'.join(lines[:-1]) + '\n'


def fill_markdown(text: str) -> str:
    """Return a document with the table of each node between its markers brought up to date."""
    for name, table in tables().items():
        marker = f'<!-- parameters: {name} -->\n'
        pattern = re.compile(re.escape(marker) + '.*?<!-- end -->', re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f'{marker.strip()} and <!-- end --> are missing')
        filled = f'{marker}{markdown_table(table)}\n<!-- end -->'
        text = pattern.sub(lambda _, filled=filled: filled, text)
    return text


def main(args: list[str] | None = None) -> int:
    """Rewrite the files in a source tree."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('root', nargs='?', type=Path, default=Path(__file__).parents[2],
                        help='the source tree; this one by default')
    root = parser.parse_args(args).root
    (root / 'config' / 'fer.yaml').write_text(render_yaml(), encoding='utf-8')
    document = root / 'docs' / 'nodes.md'
    document.write_text(fill_markdown(document.read_text(encoding='utf-8')), encoding='utf-8')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
