# SPDX-License-Identifier: Apache-2.0
"""For launch files: a process whose start cannot succeed is not started again and again."""

from collections import defaultdict, deque
import time

from fer_ros.requirements import EXIT_NOT_INSTALLED
from launch.actions import EmitEvent, LogInfo
from launch.events import matches_action
from launch.events.process import ProcessExited, ShutdownProcess

from launch import LaunchContext, LaunchDescriptionEntity

#: Exit code: why starting again cannot help.
FINAL = {2: 'its arguments or parameters cannot be used',
         EXIT_NOT_INSTALLED: 'a package that it needs is missing, too old or broken'}
#: So many failures within so many seconds are no accident.
MOST_FAILURES, WITHIN_S = 5, 60.0


class RestartGuard:
    """Give as ``on_exit`` of nodes: ends the respawning of one where that is of no use."""

    def __init__(self):
        self._failures: dict[object, deque[float]] = defaultdict(
            lambda: deque(maxlen=MOST_FAILURES))

    def __call__(self, event: ProcessExited,
                 context: LaunchContext) -> list[LaunchDescriptionEntity] | None:
        """Return what is to be done about an exit."""
        if event.returncode == 0 or context.is_shutdown:
            return None
        now_s = time.monotonic()
        failures = self._failures[event.action]
        failures.append(now_s)
        reason = FINAL.get(event.returncode, '')
        if not reason and len(failures) == MOST_FAILURES \
                and now_s - failures[0] < WITHIN_S:
            reason = f'it failed {MOST_FAILURES} times within {WITHIN_S:.0f} s'
        if not reason:
            return None
        return [
            LogInfo(msg=f'{event.process_name} is not started again: {reason} (see its message '
                    'above); start the launch again when that is mended'),
            EmitEvent(event=ShutdownProcess(process_matcher=matches_action(event.action)))]
