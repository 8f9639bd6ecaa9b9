# SPDX-License-Identifier: Apache-2.0
"""Check whether a machine has what the package requires, and suggest fixes.

``fer-doctor`` and ``fer-home check`` print the findings of :func:`examine`. This module imports
nothing that can be missing; each check is imported when it runs, those that load large libraries
in a separate process, and a check that fails is a finding like any other.
"""

from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
import json

from fer_ros.doctor.finding import Finding, Level, Request, worst
from fer_ros.doctor.probe import probe

__all__ = ['CHECKS', 'examine', 'Finding', 'Level', 'Request', 'worst']

#: The checks in their order: subject, and the module of this package whose ``check(request)``
#: yields its findings.
CHECKS = {
    'python': 'python',
    'libraries': 'libraries',
    'ros': 'ros',
    'shared memory': 'shared_memory',
    'detector': 'detector',
    'emotions': 'emotions',
    'cameras': 'cameras',
    'policy': 'policy',
    'clock': 'clock',
}
#: Checks that load libraries which may crash, or write to the terminal directly.
_APART = ('detector', 'emotions', 'cameras')
_FIX = 'fix the problems above first'


def examine(request: Request | None = None, *, skip: tuple[str, ...] = ()
            ) -> Iterator[Finding]:
    """Yield the findings, each as soon as it is known; nothing raises.

    :param request: what the user allows and names; by default no camera is opened and nothing
        is sent.
    :param skip: subjects of :data:`CHECKS` to skip.
    """
    request = Request() if request is None else request
    for subject in CHECKS:
        if subject not in skip:
            yield from (_apart if subject in _APART else _check)(subject, request)


def _check(subject: str, request: Request) -> Iterator[Finding]:
    try:
        yield from import_module(f'{__name__}.{CHECKS[subject]}').check(request)
    except Exception as error:  # on a broken machine anything may fail
        reason = str(error).strip().splitlines()
        yield Finding(subject, Level.ERROR, f'cannot be examined ({type(error).__name__}'
                      f'{": " + reason[0] if reason else ""})', _FIX)


def _apart(subject: str, request: Request) -> list[Finding]:
    """Run a check in another process, so that a crash does not end this one."""
    result = probe(f'from {__name__} import _answer\n'
                   f'_answer({subject!r}, {json.dumps(asdict(request))!r})')
    if not result:
        return [Finding(subject, Level.ERROR, f'cannot be examined ({result.problem})', _FIX)]
    return [Finding(**{**item, 'level': Level(item['level'])})
            for item in json.loads(result.output.splitlines()[-1])]


def _answer(subject: str, request: str) -> None:
    """Print the findings of a check as JSON; called in the other process."""
    values = json.loads(request)
    values['cameras'] = tuple(values['cameras'])
    print(json.dumps([asdict(finding) for finding in _check(subject, Request(**values))]))
