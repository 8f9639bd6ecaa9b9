# SPDX-License-Identifier: Apache-2.0
"""fer-policy: check a policy file, or try it on a recording of emotions."""

import argparse
import sys

from fer_ros.errors import FerError
from fer_ros.home.action import AmbientAction
from fer_ros.home.lifecycle import diagram
from fer_ros.home.policy import load_policy
from fer_ros.home.recording import read_recording
from fer_ros.home.simulation import simulate


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 is good, 1 a policy or recording that cannot be used."""
    parser = argparse.ArgumentParser(prog='fer-policy', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    check = commands.add_parser('check', help='say what is wrong with policy files')
    check.add_argument('files', nargs='+', metavar='FILE')
    trial = commands.add_parser('simulate', help='print what a policy would do, and why')
    trial.add_argument('file', metavar='FILE', help='the policy')
    trial.add_argument('recording', metavar='RECORDING',
                       help='JSON lines of emotions, or a rosbag2 folder or MCAP file')
    trial.add_argument('--quiet', action='store_true', help='only the actions, not why not')
    trial.add_argument('--after', type=float, default=60.0, metavar='SECONDS',
                       help='go on so long after the end, as if nobody were there (60)')
    commands.add_parser('states', help='print the states of a controlled device, and what leads '
                        'from one to another, as a Mermaid diagram')
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == 'states':
            print(diagram())
            return 0
        if chosen.command == 'check':
            return _check(chosen.files)
        return _simulate(chosen)
    except FerError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0


def _check(files: list[str]) -> int:
    bad = False
    for file in files:
        try:
            policy = load_policy(file)
        except FerError as error:
            bad = True
            print(error, file=sys.stderr)
            continue
        targets = sum(len(room.targets) for room in policy.rooms.values())
        print(f'{file}: good: {_count(len(policy.rooms), "room")}, {_count(targets, "target")}, '
              f'policies {", ".join(policy.policies)}')
        broker = policy.broker
        if broker is not None and not broker.uses_tls and not broker.is_local:
            print(f'{file}: note: the connection to {broker.host} is not encrypted (tls: false)')
        if policy.home_assistant is not None and policy.home_assistant.is_exposed:
            print(f'{file}: note: the token travels to {policy.home_assistant.url} in plain text; '
                  'an https: url encrypts it')
    return int(bad)


def _simulate(chosen: argparse.Namespace) -> int:
    policy = load_policy(chosen.file)
    start_s, actions = None, 0
    for now_s, what in simulate(policy, read_recording(chosen.recording),
                                after_s=chosen.after):
        start_s = now_s if start_s is None else start_s
        elapsed = f'{now_s - start_s:8.1f} s'
        if isinstance(what, AmbientAction):
            actions += 1
            print(f'{elapsed}  {what.room}/{what.target}: {what.describe()} over '
                  f'{what.transition_s:g} s, because {what.reason}')
        elif not chosen.quiet:
            print(f'{elapsed}    {what}')
    if start_s is None:
        print(f'{chosen.recording}: the recording is empty', file=sys.stderr)
        return 1
    print(f'{_count(actions, "action")}')
    return 0


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}' + ('' if number == 1 else 's')


if __name__ == '__main__':
    raise SystemExit(main())
