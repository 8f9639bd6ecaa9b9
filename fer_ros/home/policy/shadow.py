# SPDX-License-Identifier: Apache-2.0
"""Rules that can never win, because rules before them fit whenever they do."""

from fer_ros.emotions.labels import LABELS
from fer_ros.home.policy.rules import PlacedRule, Rules


def never_win(rules: Rules) -> list[tuple[PlacedRule, tuple[PlacedRule, ...]]]:
    """Return each rule that can never win, with those before it that fit instead.

    Only cases that follow from the rules alone are found; values of outside states are not
    compared.
    """
    found = []
    for index, later in enumerate(rules.ordered):
        before: dict[PlacedRule, None] = {}
        for label in sorted(later.labels) if later.labels is not None else LABELS:
            winner = next((earlier for earlier in rules.ordered[:index]
                           if _fits_instead(earlier, later, label)), None)
            if winner is None:
                break
            before.setdefault(winner.path, winner)
        else:
            found.append((later, tuple(before.values())))
    return found


def _fits_instead(earlier: PlacedRule, later: PlacedRule, label: str) -> bool:
    if earlier.labels is not None and label not in earlier.labels:
        return False
    region = earlier.region
    if region is not None and (later.region is None or any(
            not _within(getattr(later.region, axis), getattr(region, axis))
            for axis in ('valence', 'arousal'))):
        return False
    return earlier.rule.when is None or earlier.rule.when.covers(later.rule.when)


def _within(inner: tuple[float, float], outer: tuple[float, float]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
