# SPDX-License-Identifier: Apache-2.0
"""Examine a machine: what the package needs, what is there, and the cure for what is not.

:func:`examine` is what ``fer-doctor`` and ``fer-home check`` print. This module and
:mod:`.finding` import nothing that can be missing; each check is imported when its turn comes,
and one that fails is a finding like any other.
"""

from collections.abc import Iterator
from importlib import import_module

from fer_ros.core.doctor.finding import Finding, Level, Request, worst

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


def examine(request: Request | None = None, *, leave_out: tuple[str, ...] = ()
            ) -> Iterator[Finding]:
    """Yield the findings, each as soon as it is known; nothing raises.

    :param request: what the user allows and names; by default no camera is opened and nothing
        is sent.
    :param leave_out: subjects of :data:`CHECKS` that do not matter to the caller.
    """
    request = Request() if request is None else request
    for subject, module in CHECKS.items():
        if subject in leave_out:
            continue
        try:
            yield from import_module(f'{__name__}.{module}').check(request)
        except Exception as error:  # on a broken machine anything may fail, and is a finding
            reason = str(error).strip().splitlines()
            yield Finding(subject, Level.ERROR, f'cannot be examined: {type(error).__name__}'
                          f'{": " + reason[0] if reason else ""}',
                          'mend what is named above first')
