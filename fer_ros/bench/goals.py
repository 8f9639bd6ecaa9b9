# SPDX-License-Identifier: Apache-2.0
"""Performance goals on two cores of a desktop machine, compared with a run's results."""

from collections.abc import Callable
from dataclasses import dataclass

_VGA = '640x480, 1 face'
_HD = '1280x720, 4 faces'
_MB_PER_MIB = 2**20 / 1e6
_APART, _COMPOSED = 'one process per node', 'composed'


@dataclass(frozen=True)
class Goal:
    """A value that must be at most, or at least, a limit.

    :ivar value: takes a run's results and returns the value; raises KeyError if the run has no
        such section or row.
    """

    name: str
    limit: float
    unit: str
    value: Callable[[dict], float]
    at_least: bool = False


def _steady(how: str, scene: str, *keys: str) -> Callable[[dict], float]:
    def value(results: dict) -> float:
        found = results['pipeline'][f'{how}, {scene}']
        for key in keys:
            found = found[key]
        return found
    return value


def _overhead(results: dict) -> float:
    scene = f'{_VGA}, detection in every image'
    rows = results['pipeline']
    return rows[f'{_COMPOSED}, {scene}']['latency_ms']['median'] / \
        rows[f'no ROS, {scene}']['median']


def _largest(results: dict) -> float:
    return max(value for row in results['pipeline'].values()
               for value in row.get('rss_mib', ())) * _MB_PER_MIB


def _apart(node: int) -> Callable[[dict], float]:
    return lambda results: _MB_PER_MIB * max(
        row['rss_mib'][node] for how, row in results['pipeline'].items()
        if how.startswith(_APART) and 'rss_mib' in row)


def _attention(faces: str, asked: str) -> Callable[[dict], float]:
    return lambda results: results['attention'][
        f'attention, 640x480, {faces}: {asked}']['cpu_ms_per_frame']


def _attention_to_one(results: dict) -> float:
    return _attention('1 face', 'asked')(results) - _attention('1 face', 'without it')(results)


def _attention_to_more(results: dict) -> float:
    four = _attention('4 faces', 'asked')(results) - _attention('4 faces', 'without it')(results)
    return (four - _attention_to_one(results)) / 3


def _peer(name: str) -> Callable[[dict], float]:
    return lambda results: results['peers'][name]['cpu_ratio']


def _cameras(count: int, *keys: str) -> Callable[[dict], float]:
    def value(results: dict) -> float:
        found = results['scale'][f'{count} cameras, 640x480 at 15 Hz']
        for key in keys:
            found = found[key]
        return found
    return value


def _growth(results: dict) -> float:
    soak = results['soak']
    return max(end - start for start, end in zip(soak['private_mib_at_10_percent'],
                                                 soak['private_mib_at_end']))


GOALS = (
    Goal(f'{_APART}, {_VGA}: median', 15, 'ms', _steady(_APART, _VGA, 'latency_ms', 'median')),
    Goal(f'{_APART}, {_VGA}: p99', 30, 'ms', _steady(_APART, _VGA, 'latency_ms', 'p99')),
    Goal(f'{_COMPOSED}, {_VGA}: median', 6, 'ms',
         _steady(_COMPOSED, _VGA, 'latency_ms', 'median')),
    Goal(f'{_COMPOSED}, {_VGA}: p99', 18, 'ms', _steady(_COMPOSED, _VGA, 'latency_ms', 'p99')),
    Goal("CPU time of the study's loop over ours", 30, 'times',
         _peer("the study's loop"), at_least=True),
    Goal('CPU time of fer over ours', 14, 'times', _peer('fer package'), at_least=True),
    Goal(f'{_APART}, {_HD} at 30 Hz', 1, 'cores', _steady(_APART, _HD, 'cpu_s_per_s')),
    Goal('composed over the direct call, detection in every image', 1.5, 'times', _overhead),
    Goal('first EmotionArray after start', 3, 's', _steady(_APART, _VGA, 'startup_s')),
    Goal('largest process', 180, 'MB', _largest),
    Goal('a detector', 130, 'MB', _apart(0)),
    Goal('a classifier', 130, 'MB', _apart(1)),
    Goal('attention to one face, CPU time per frame', 3, 'ms', _attention_to_one),
    Goal('attention to each further face', 1, 'ms', _attention_to_more),
    Goal('8 cameras, 640x480 at 15 Hz: median', 25, 'ms', _cameras(8, 'latency_ms', 'median')),
    Goal('8 cameras, 640x480 at 15 Hz: p99', 60, 'ms', _cameras(8, 'latency_ms', 'p99')),
    Goal('8 cameras, 640x480 at 15 Hz', 1.2, 'cores', _cameras(8, 'cpu_s_per_s')),
    Goal('8 cameras, 640x480 at 15 Hz: frames lost unreported', 0, 'frames',
         _cameras(8, 'unreported')),
    Goal('16 cameras, 640x480 at 15 Hz: median', 50, 'ms', _cameras(16, 'latency_ms', 'median')),
    Goal('16 cameras, 640x480 at 15 Hz: frames lost unreported', 0, 'frames',
         _cameras(16, 'unreported')),
    Goal('16 cameras, 640x480 at 15 Hz: the slowest is read', 3, 'Hz', _cameras(16, 'least_hz'),
         at_least=True),
    Goal('growth of a process over the last 90 % of the soak', 2, 'MiB', _growth),
)


def judge(results: dict) -> list[dict]:
    """Return the goals with results in a run: name, value, limit, unit, met."""
    rows = []
    for goal in GOALS:
        try:
            value = goal.value(results)
        except (KeyError, ValueError):
            continue
        met = value >= goal.limit if goal.at_least else value <= goal.limit
        rows.append({'goal': goal.name, 'value': round(value, 3), 'limit': goal.limit,
                     'unit': goal.unit, 'at_least': goal.at_least, 'met': bool(met)})
    return rows
