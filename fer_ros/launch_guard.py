# SPDX-License-Identifier: Apache-2.0
"""For launch files: stop respawning a process that cannot start."""

from collections import defaultdict, deque
import time

from fer_ros.requirements import EXIT_NOT_INSTALLED
from launch.actions import EmitEvent, LogInfo
from launch.events import matches_action
from launch.events.process import ProcessExited, ShutdownProcess

from launch import LaunchContext, LaunchDescriptionEntity

#: Exit codes for which a restart cannot help, and why.
FINAL = {2: 'its arguments or parameters cannot be used',
         EXIT_NOT_INSTALLED: 'a package that it requires is missing, too old or broken'}
#: This many failures within this many seconds end the respawning.
MOST_FAILURES, WITHIN_S = 5, 60.0


class RestartGuard:
    """``on_exit`` handler of nodes that ends respawning when a restart cannot help."""

    def __init__(self):
        self._failures: dict[object, deque[float]] = defaultdict(
            lambda: deque(maxlen=MOST_FAILURES))

    def __call__(self, event: ProcessExited,
                 context: LaunchContext) -> list[LaunchDescriptionEntity] | None:
        """Return the actions for an exit."""
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
                    'above); start the launch again when that is fixed'),
            EmitEvent(event=ShutdownProcess(process_matcher=matches_action(event.action)))]
