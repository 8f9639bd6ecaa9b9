# SPDX-License-Identifier: Apache-2.0
"""Simulate what a policy would have done on a recording."""

from collections.abc import Callable, Iterable, Iterator

from fer_ros.home.action import AmbientAction
from fer_ros.home.controller import HomeController
from fer_ros.home.policy import Policy
from fer_ros.home.recording import ManualChange, Seen

_STEP_S = 0.1
#: Longer gaps are crossed in one jump, like a clock change, seconds.
_MAXIMUM_GAP_S = 3600.0


def simulate(policy: Policy, recording: Iterable[Seen | ManualChange], *, after_s: float = 60.0,
             watch: Callable[[float, HomeController], None] = lambda *_: None) \
        -> Iterator[tuple[float, AmbientAction | str]]:
    """Yield each action, and each reason why a room did not act, with its time.

    :param after_s: how long to continue after the end with nobody in view, seconds.
    :param watch: called at every step with the time and the home.
    """
    now = [0.0]
    done: list[AmbientAction] = []
    home = HomeController(policy, on_action=done.append, dry_run=True, clock=lambda: now[0])
    blocked: dict[str, str] = {}

    def pass_time(until_s: float) -> Iterator[tuple[float, AmbientAction | str]]:
        while now[0] < until_s:
            now[0] = min(until_s, now[0] + _STEP_S)
            home.tick(now[0])
            watch(now[0], home)
            while done:
                yield now[0], done.pop(0)
            for room in home.rooms:
                why = home.snapshot(room).blocked_reason
                if why != blocked.get(room):
                    blocked[room] = why
                    if why:
                        yield now[0], f'{room}: {why}'

    started = False
    for entry in recording:
        if not started or entry.stamp_s - now[0] > _MAXIMUM_GAP_S:
            now[0], started = entry.stamp_s, True
            home.tick(now[0])
        yield from pass_time(entry.stamp_s)
        if isinstance(entry, ManualChange):
            home.change_manually(entry.room, entry.target, entry.state, now[0])
            yield now[0], f'{entry.room}/{entry.target}: {entry.state.describe()} manually'
            continue
        source = _match(entry.source, policy.sources)
        for problem in home.observe(source, entry.faces, entry.stamp_s, now_s=now[0]):
            yield now[0], problem
    if not started:
        return
    end_s = now[0]
    while now[0] < end_s + after_s:
        yield from pass_time(now[0] + 0.5)
        for source in policy.sources:
            home.observe(source, (), now[0], now_s=now[0])


def _match(source: str, sources: tuple[str, ...]) -> str:
    """Return the policy's source that a recorded topic is; a bag has absolute names."""
    return next((known for known in sources
                 if source.lstrip('/') == known.lstrip('/')
                 or source.endswith('/' + known.lstrip('/'))), source)
