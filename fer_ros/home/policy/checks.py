# SPDX-License-Identifier: Apache-2.0
"""Check the consistency between the parts of a policy."""

from collections.abc import Iterator

from fer_ros.home.conditions.sun import LOCATION_MISSING
from fer_ros.home.fields import Part
from fer_ros.home.kinds import KINDS
from fer_ros.home.policy.faults import Fault


def cross_faults(policy: Part) -> list[Fault]:
    """Return the faults that span several parts of the file."""
    return [*_home_faults(policy), *_room_faults(policy), *_shared_devices(policy),
            *_rule_faults(policy)]


def _targets(policy: Part) -> Iterator[tuple[tuple, str, Part]]:
    """Yield each target with its path and its name in rules."""
    for room_name, room in policy.rooms.items():
        for name, target in room.targets.items():
            yield ('rooms', room_name, 'targets', name), name, target


def _home_faults(policy: Part) -> Iterator[Fault]:
    base = policy.base
    if base is None:
        return
    if base.sun is not None and policy.location is None:
        yield ('base',), LOCATION_MISSING
    if base.targets is not None:
        yield ('base', 'targets'), 'lights are named in the base of their room'


def _room_faults(policy: Part) -> Iterator[Fault]:
    for name, room in policy.rooms.items():
        if not room.policy:
            if room.targets:
                yield ('rooms', name, 'policy'), ('is missing: a room with targets requires one '
                                                  f'of {", ".join(policy.policies) or "policies"}')
            if room.allowed_policies:
                yield (('rooms', name, 'allowed_policies'),
                       'a room without a policy cannot have allowed_policies')
            continue
        for index, allowed in enumerate(room.allowed_policies or ()):
            if allowed not in policy.policies:
                yield ('rooms', name, 'allowed_policies', index), (
                    f'{allowed!r} is not among the policies: {", ".join(policy.policies)}')
        if not room.allows(room.policy):
            yield ('rooms', name, 'policy'), (f'{room.policy!r} is not among the '
                                              'allowed_policies of the room')
        if room.policy not in policy.policies:
            yield ('rooms', name, 'policy'), (f'{room.policy!r} is not among the policies: '
                                              f'{", ".join(policy.policies)}')
        if room.base is not None and room.base is not policy.base:
            yield from _base_faults(('rooms', name, 'base'), room, policy)
    for path, _, target in _targets(policy):
        if target.needs and getattr(policy, target.needs) is None:
            article = 'a ' if target.needs == 'broker' else ''
            yield path, f'{target.type} requires {article}{target.needs}'


def _base_faults(path: tuple, room: Part, policy: Part) -> Iterator[Fault]:
    if room.base.sun is not None and policy.location is None:
        yield path, LOCATION_MISSING
    for index, name in enumerate(room.base.targets or ()):
        if name not in room.targets or room.targets[name].kind != 'light':
            yield (*path, 'targets', index), f'{name!r} is not a light of the room'
    if not room.has_lights:
        yield path, 'the room has no light that could follow the day'


def _shared_devices(policy: Part) -> Iterator[Fault]:
    """Two rooms that command one device would mistake each other for a person."""
    first: dict[tuple[str, str], tuple] = {}
    for path, _, target in _targets(policy):
        address = getattr(target, 'address', '')
        before = first.setdefault((target.needs, address), path)
        if address and before is not path:
            yield path, (f'is the device of {before[1]}.{before[3]} as well ({address}): one '
                         'room commands a device')


def _rule_faults(policy: Part) -> Iterator[Fault]:
    everything = {}
    for _, name, target in _targets(policy):
        everything.setdefault(name, []).append(target)
    for name, rules in policy.policies.items():
        for placed in rules.ordered:
            path = ('policies', name, *placed.path)
            yield from _one_rule(path, placed.rule, everything)
            for condition, value in placed.rule.when.pairs if placed.rule.when else ():
                if fault := condition.fault(value, policy):
                    yield (*path, 'when', condition.name), fault


def _one_rule(path: tuple, rule: Part, everything: dict[str, list[Part]]) -> Iterator[Fault]:
    kinds = [kind for kind in KINDS.values() if kind.applies(rule)]
    asks = ' or '.join(kind.name for kind in kinds)
    for index, name in enumerate(rule.targets or ()):
        found = everything.get(name)
        if found is None:
            yield (*path, 'targets', index), (f'{name!r} is not a target of any room: '
                                              f'{", ".join(everything)}')
        elif rule.undoes:
            # Whatever reports how it is can be brought back to how it was.
            if not any(KINDS[target.kind].state_type for target in found):
                yield (*path, 'targets', index), (f'{name!r} is a {found[0].kind}, which cannot '
                                                  'be brought back to how it was')
        elif not any(target.kind in [kind.name for kind in kinds] for target in found):
            yield (*path, 'targets', index), (f'{name!r} is a {found[0].kind}: the rule asks '
                                              f'for a {asks}')
    if rule.undoes:
        return
    usable = [target for name, found in everything.items() for target in found
              if rule.targets is None or name in rule.targets]
    for kind in kinds:
        fault = kind.fault(rule, [target for target in usable if target.kind == kind.name])
        if fault is not None:
            yield (*path, fault[0]), fault[1]
        elif rule.targets and not any(target.kind == kind.name for target in usable):
            key = next(key for key in kind.rule_keys.model_fields
                       if getattr(rule, key) is not None)
            yield (*path, key), f'no {kind.name} is among the targets of this rule'
