# SPDX-License-Identifier: Apache-2.0
"""fer-doctor: check what this machine lacks for faces, emotions and the home, with fixes.

No camera is opened and nothing is sent unless an option allows it. The exit code is 0 if there
are no problems, 1 if the worst finding is a warning, 2 if it is an error.
"""

import argparse
import json

from fer_ros.cli.output import pipeable
from fer_ros.doctor import examine, Finding, Request, worst


@pipeable
def main(arguments: list[str] | None = None) -> int:
    """Print one line per finding, as soon as it is known; return the exit code."""
    parser = argparse.ArgumentParser(prog='fer-doctor', description=__doc__)
    parser.add_argument('--policy', default='', metavar='FILE', help='check this policy file too')
    parser.add_argument('--connect', action='store_true',
                        help='connect to the broker and Home Assistant that the policy names')
    parser.add_argument('--broker', default='', metavar='HOST[:PORT]',
                        help='connect to this MQTT broker (without a user name)')
    parser.add_argument('--camera', action='append', default=[], metavar='SOURCE',
                        help='a camera, file or address that must exist (default: all cameras '
                        'of the machine); may be repeated')
    parser.add_argument('--open-cameras', action='store_true',
                        help='open the cameras and read a frame of each')
    parser.add_argument('--json', action='store_true', help='print JSON')
    chosen = parser.parse_args(arguments)
    findings = examine(Request(policy=chosen.policy, connect=chosen.connect, broker=chosen.broker,
                               cameras=tuple(chosen.camera), open_cameras=chosen.open_cameras))
    return report(findings, as_json=chosen.json)


def report(findings, *, as_json: bool = False) -> int:
    """Print findings; return the exit code."""
    seen: list[Finding] = []
    for finding in findings:
        seen.append(finding)
        if not as_json:
            print(finding, flush=True)
    level = worst(seen)
    if as_json:
        print(json.dumps({'worst': level.name.lower(),
                          'findings': [finding.as_dict() for finding in seen]}, indent=1))
    return int(level)


if __name__ == '__main__':
    raise SystemExit(main())
