# SPDX-License-Identifier: Apache-2.0
"""Groups of devices whose members are known only at run time, and change."""

from collections.abc import Callable, Iterator
import hashlib

from fer_ros.home.complaints import Complaint
from fer_ros.home.devices import is_group
from fer_ros.home.devices.base import Device
from fer_ros.home.dispatch import Dispatch
from fer_ros.home.fields import Part
from fer_ros.home.policy import Policy
from fer_ros.home.world.home_assistant import HomeAssistantClient

#: Maximum length of names in a policy.
_LONGEST = 40

_Key = tuple[str, str]


class Groups:
    """Keeps the devices of groups in step with who belongs to them.

    A device is a target of one room: one that is a separate target is not a member, and one of two
    groups belongs to the first.

    :param make: makes the device of a room and a name from its part of the policy.
    :param queue: takes what is to be done in the controller's thread, with the time.
    """

    def __init__(self, policy: Policy, dispatch: Dispatch,
                 make: Callable[[str, str, Part], Device],
                 queue: Callable[[Callable[[float], None]], None]):
        self._dispatch, self._make, self._queue = dispatch, make, queue
        self._client: HomeAssistantClient | None = None
        targets = [((room, name), spec) for room, settings in policy.rooms.items()
                   for name, spec in settings.targets.items()]
        self._specs = {key: spec for key, spec in targets if is_group(spec)}
        self._single = {spec.address for _, spec in targets
                        if not is_group(spec) and hasattr(spec, 'entity_id')}
        self._listed: dict[_Key, tuple[tuple[str, ...], str]] = {}
        self._members: dict[_Key, dict[str, Part]] = {}

    def follow(self, client: HomeAssistantClient | None) -> None:
        """Hear from Home Assistant who belongs to each group; to be called before it starts.

        :param client: None: a dry run; one light then represents each group.
        """
        self._client = client
        for key, spec in self._specs.items():
            if client is None:
                self._regroup(key, {key[1]: spec}, 0.0)
            else:
                client.watch_lights(spec.area, spec.label, self._on_list(key))

    def _on_list(self, key: _Key) -> Callable[[tuple[str, ...], str], None]:
        return lambda entity_ids, problem: self._queue(
            lambda now_s: self._update(key, entity_ids, problem, now_s))

    def _update(self, key: _Key, entity_ids: tuple[str, ...], problem: str, now_s: float) -> None:
        self._listed[key] = entity_ids, problem
        taken = set(self._single)
        for group, spec in self._specs.items():
            if group in self._listed:
                own = [entity_id for entity_id in self._listed[group][0] if entity_id not in taken]
                taken.update(own)
                self._regroup(group, {member_name(group[1], entity_id): spec.member(entity_id)
                                      for entity_id in own}, now_s)

    def _regroup(self, key: _Key, members: dict[str, Part], now_s: float) -> None:
        (room, group), before = key, self._members.get(key, {})
        self._members[key] = members
        leaving = self._dispatch.engine.room(room).regroup(group, members)
        self._dispatch.carry_out(leaving, now_s)
        for name in before.keys() - members.keys():
            self._dispatch.remove(room, name)
        for name in members.keys() - before.keys():
            self._dispatch.devices[room, name] = self._make(room, name, members[name])

    @property
    def complaints(self) -> Iterator[Complaint]:
        """What is wrong with groups, with what to do."""
        for (room, group), spec in self._specs.items():
            problem = self._listed.get((room, group), ((), ''))[1]
            if (room, group) not in self._listed and self._client is not None \
                    and self._client.connected and not self._client.pushed:
                problem = f'the lights of {spec.address} are not known: Home Assistant is ' \
                    f'{self._client.state}'
            if problem:
                yield Complaint(f'{room}/{group}: {problem}')


def member_name(group: str, entity_id: str) -> str:
    """Return what a member is called: the group and the entity, as names of targets are."""
    name = f'{group}_{entity_id.partition(".")[2]}'
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(entity_id.encode()).hexdigest()[:6]
    return f'{name[:_LONGEST - 7]}_{digest}'
