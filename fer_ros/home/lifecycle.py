# SPDX-License-Identifier: Apache-2.0
"""The state of a controlled device, and every transition it can take.

This table defines all transitions. ``fer-policy states`` draws it.
"""

from enum import Enum


class ControlState(Enum):
    """State of a device relative to the last request."""

    #: No request is in force.
    IDLE = 'idle'
    #: Requested; it has not been seen to react. A scene, which reports nothing, stays so.
    COMMANDED = 'commanded'
    #: Changing to the requested state.
    SETTLING = 'settling'
    #: It has reported the requested state.
    CONFIRMED = 'confirmed'
    #: Its time is over, and it has not reacted.
    UNRESPONSIVE = 'unresponsive'
    #: A person has changed it, or all that was requested; their choice stays.
    OVERRIDDEN = 'overridden'
    #: Returning to its state before the first action.
    RESTORING = 'restoring'


class Event(Enum):
    """Event of a device."""

    #: A rule sends a request.
    SET = 'set'
    #: It is asked to go back, or the rest of the way that quiet hours had cut short.
    RESTORE = 'restore'
    #: It reports the requested state.
    MATCHED = 'matched'
    #: It reports something else, which may be an intermediate state.
    MOVED = 'moved'
    #: Its time is over, or a late report arrives, and it is as it was before the request.
    UNMOVED = 'unmoved'
    #: The time to restore is over.
    RETURNED = 'returned'
    #: A command that was considered lost was carried out after all.
    LATE = 'late'
    #: The command could not be sent; the previous one, if any, is in force again.
    FAILED = 'failed'
    DROPPED = 'dropped'
    #: A person changed it.
    CHANGED_MANUALLY = 'changed manually'
    #: A person turned it on.
    TURNED_ON_MANUALLY = 'turned on manually'
    #: Something else changed it, or a person a part of it; the request holds for the rest.
    ADJUSTED = 'adjusted'
    #: It was away, and is not as requested; it can be asked again.
    RECOVERED = 'recovered'
    #: The hold is over.
    RESUMED = 'resumed'
    #: There is nothing to restore.
    RELEASED = 'released'


_S, _E = ControlState, Event
#: The states in which a request is in force.
ACTIVE = frozenset({_S.COMMANDED, _S.SETTLING, _S.CONFIRMED, _S.UNRESPONSIVE, _S.RESTORING})

#: state: {event: next state}. Events that are not listed cannot happen.
TRANSITIONS: dict[ControlState, dict[Event, ControlState]] = {
    _S.IDLE: {
        _E.SET: _S.COMMANDED, _E.LATE: _S.CONFIRMED, _E.RESTORE: _S.RESTORING},
    _S.COMMANDED: {
        _E.MATCHED: _S.CONFIRMED, _E.MOVED: _S.SETTLING, _E.UNMOVED: _S.UNRESPONSIVE},
    _S.SETTLING: {
        _E.MATCHED: _S.CONFIRMED, _E.MOVED: _S.SETTLING, _E.UNMOVED: _S.UNRESPONSIVE},
    _S.CONFIRMED: {
        _E.MATCHED: _S.CONFIRMED, _E.MOVED: _S.SETTLING, _E.UNMOVED: _S.UNRESPONSIVE},
    _S.UNRESPONSIVE: {
        _E.MATCHED: _S.CONFIRMED, _E.MOVED: _S.SETTLING, _E.UNMOVED: _S.UNRESPONSIVE},
    _S.OVERRIDDEN: {
        _E.SET: _S.COMMANDED, _E.RESUMED: _S.IDLE},
    _S.RESTORING: {
        _E.MATCHED: _S.RESTORING, _E.MOVED: _S.RESTORING, _E.UNMOVED: _S.RESTORING,
        _E.RETURNED: _S.IDLE},
}
for _state, _row in TRANSITIONS.items():
    # A person may change it at any time.
    _row[_E.CHANGED_MANUALLY] = _S.OVERRIDDEN
    _row[_E.TURNED_ON_MANUALLY] = _S.IDLE
    _row[_E.ADJUSTED] = _state
    _row[_E.RECOVERED] = _S.IDLE
    if _state in ACTIVE:
        _row.update({_E.SET: _S.COMMANDED, _E.FAILED: _S.COMMANDED, _E.DROPPED: _S.IDLE,
                     _E.RELEASED: _S.IDLE})
        if _state is not _S.RESTORING:
            _row.update({_E.RESTORE: _S.RESTORING, _E.LATE: _S.CONFIRMED})


def after(state: ControlState, event: Event) -> ControlState:
    """Return the state that follows an event.

    :raises ValueError: when the event cannot happen in that state.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise ValueError(f'{event.value} cannot happen to a device that is {state.value}') \
            from None


def diagram() -> str:
    """Return the transitions as a Mermaid state diagram, one arrow per pair of states."""
    lines = ['stateDiagram-v2', f'  [*] --> {ControlState.IDLE.value}']
    for state, row in TRANSITIONS.items():
        arrows: dict[ControlState, list[str]] = {}
        for event, target in row.items():
            if target is not state:
                arrows.setdefault(target, []).append(event.value)
        lines += [f'  {state.value} --> {target.value}: {", ".join(sorted(events))}'
                  for target, events in arrows.items()]
    return '\n'.join(lines)
