# SPDX-License-Identifier: Apache-2.0
"""Explain what a policy would do at a moment, and why."""

from collections.abc import Iterator
from dataclasses import dataclass

from fer_ros.emotions.labels import Emotion, LABELS
from fer_ros.home.action import NOBODY
from fer_ros.home.ambience import PROTOTYPES
from fer_ros.home.conditions import Moment
from fer_ros.home.decisions.answer import failing, quiet_hours
from fer_ros.home.kinds import KINDS
from fer_ros.home.kinds.base import Situation
from fer_ros.home.light import LightState
from fer_ros.home.policy import PlacedRule, Policy, Room


@dataclass(frozen=True)
class Feeling:
    """The emotion of a room.

    :ivar label: an emotion, or ``nobody``.
    :ivar affect: valence and arousal; None: those of the emotion.
    """

    label: str
    affect: tuple[float, float] | None = None

    @property
    def valence_arousal(self) -> tuple[float, float]:
        """The place on the plane."""
        return self.affect or PROTOTYPES[Emotion(LABELS.index(self.label))]


def explain(policy: Policy, room: str, chosen: str, feeling: Feeling, moment: Moment,
            elevation_deg: float | None = None) -> Iterator[str]:
    """Yield, line by line, what a room would do and why not something else.

    :param chosen: which of the policies the room takes.
    :param moment: a feeling that has lasted; how the devices are is not known.
    :param elevation_deg: how high the sun stands, or None where that is not known.
    """
    settings = policy.rooms[room]
    sun = {None: '', True: ', sun up', False: ', sun down'}[moment.sun_up]
    people = f'{moment.people} {"person" if moment.people == 1 else "people"}'
    yield f'{room}: policy {chosen}, {moment.local:%A %Y-%m-%d %H:%M}{sun}, ' + (
        'nobody in view' if feeling.label == NOBODY else
        f'{feeling.label} for {moment.lasted_s:g} s, {people}')
    if not settings.enabled:
        yield '  nothing, because the room starts switched off (enabled: false)'
        return
    base = None if settings.base is None else settings.base.at(moment.local, elevation_deg)
    if base is not None:
        lights = settings.base.targets or [name for name, spec in settings.targets.items()
                                           if spec.kind == 'light']
        yield f'  the light of the day: {", ".join(lights)} {base.describe()}'
    quiet = quiet_hours(settings, moment.local.time())
    if quiet is not None:
        yield f'  quiet hours until {quiet.end:%H:%M}: ' + (
            'nothing new is done' if quiet.action == 'nothing' else
            f'no brighter than {quiet.brightness_max:.0%}')
    if feeling.label == NOBODY:
        yield f'  after {settings.nobody.after_s:g} s: {settings.nobody.action}'
        return
    if settings.away_weight < 1:
        yield '  a face that looks away or down ' + (
            f'counts {settings.away_weight:g} of one that looks at the camera'
            if settings.away_weight else 'does not count') + ' (away_weight)'
    winner = None
    for placed, verdict in _verdicts(policy.policies[chosen].ordered, feeling, moment):
        winner = placed if verdict == 'wins' else winner
        yield f'  {".".join(map(str, placed.path))}' + (
            '' if placed.name == str(placed.path[-1]) else f' ({placed.name})') + f': {verdict}'
    if winner is None:
        yield f'  does nothing: no rule fits {feeling.label}'
    elif winner.rule.undoes:
        yield '  does: brings devices back to how they were'
    elif quiet is None or quiet.action == 'dim':
        yield from _requests(settings, winner, feeling,
                             None if quiet is None else quiet.brightness_max, base)


def _verdicts(ordered: tuple[PlacedRule, ...], feeling: Feeling, moment: Moment) \
        -> Iterator[tuple[PlacedRule, str]]:
    affect = feeling.valence_arousal
    winner = None
    for placed in ordered:
        if not placed.answers(feeling.label, *affect, None):
            words = [] if placed.labels is None or feeling.label in placed.labels \
                else [f'answers {", ".join(sorted(placed.labels, key=LABELS.index))}']
            if placed.region is not None and not placed.region.contains(*affect):
                words.append(f'valence {affect[0]:.2f} and arousal {affect[1]:.2f} lie outside')
            yield placed, f'does not fit: {"; ".join(words)}'
        elif reason := failing(placed, moment):
            yield placed, f'does not fit: {reason}'
        elif winner is None:
            winner = placed
            yield placed, 'wins'
        else:
            yield placed, f'fits, but {winner.name} comes first'


def _requests(settings: Room, winner: PlacedRule, feeling: Feeling, cap: float | None,
              day: LightState | None) -> Iterator[str]:
    rule, found = winner.rule, False
    affect = winner.feeling(feeling.label, feeling.valence_arousal)
    transition_s = settings.transition_s if rule.transition_s is None else rule.transition_s
    end = '' if not rule.ends else ', then as before' if rule.for_s is None \
        else f', for {rule.for_s:g} s, then as before'
    for name, spec in settings.targets.items():
        if rule.targets is not None and name not in rule.targets:
            continue
        kind = KINDS[spec.kind]
        led = day is not None and settings.base.leads(name) and spec.kind == 'light'
        request = kind.request(rule, affect, spec, Situation(base=day if led else None), cap)
        words = [] if request is None else [request.describe()]
        if added := kind.added(rule):
            words.append(f'{added} added to {"that" if led else "what it is set to"}')
        if words:
            found = True
            yield f'  does: {name}: {", ".join(words)} over {transition_s:g} s{end}'
    if not found:
        yield f'  does nothing: {winner.name} requests nothing that a target of the room supports'
