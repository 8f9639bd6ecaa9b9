# SPDX-License-Identifier: Apache-2.0
"""Runs mutants in forks of a pytest session that has collected the tests already."""

from collections import Counter
import hashlib
from importlib import import_module
from itertools import accumulate
import json
import os
from pathlib import Path
import resource
import time

import coverage
from hypothesis import settings
from mutants_make import apply, lines_of_statements, Mutant, mutants_of
import pytest
import yaml

ROOT = Path(__file__).parents[2]
RESULTS = Path('build') / 'mutants.jsonl'
_HOME = 'fer_ros/home'
_TRACKER = ('tracking', 'motion', 'boxes', 'assignment')
#: What is mutated, and the tests that ought to notice, without those on random input.
TARGETS = {
    'engine': (
        [f'{_HOME}/decisions', f'{_HOME}/kinds', f'{_HOME}/lifecycle.py', f'{_HOME}/snapshot.py'],
        [f'test/home/test_{name}.py' for name in (
            'attention_conditions', 'base_light', 'conditions', 'daily_light', 'engine',
            'engine_commands', 'engine_devices', 'engine_overrides', 'engine_rules',
            'engine_status', 'engine_undo', 'episode', 'evidence', 'fades', 'groups_and_habits',
            'hold_matrix', 'kinds', 'lamp_reports', 'lifecycle', 'light', 'light_kind', 'memory',
            'messages_and_sensors', 'policy', 'room_clock', 'rules', 'sightings', 'snapshot',
            'target', 'target_reports', 'third_writer')]),
    'filter': (['fer_ros/emotions/emotion_filter.py'],
               [f'test/emotions/test_{name}.py' for name in (
                   'emotion_filter', 'faces_in_turns', 'resting_face')]),
    'tracker': ([f'fer_ros/faces/{name}.py' for name in _TRACKER],
                [f'test/faces/test_{name}.py' for name in _TRACKER]),
}
settings.register_profile('mutants', derandomize=True, database=None, deadline=None)


def _explained() -> list[dict]:
    return yaml.safe_load((Path(__file__).parent / 'explained.yaml').read_text()) or []


class Plugin:
    """Runs one target inside a pytest session.

    :param budget_s: no mutant is begun after so long. What was killed is not run again, what has
        survived only by other tests than then.
    :param each_s: so much of the tests that enter a line is run against a mutant of it.
    """

    def __init__(self, name: str, budget_s: float, each_s: float):
        self.name, self._budget_s, self._each_s = name, budget_s, each_s
        paths, self.arguments = TARGETS[name]
        self._files = sorted(str(path.relative_to(ROOT)) for entry in paths for path in (
            (ROOT / entry).glob('*.py') if (ROOT / entry).is_dir() else [ROOT / entry]))
        self._mutants = [mutant for path in self._files for mutant in mutants_of(path)]
        self._tests = hashlib.sha1(b''.join(
            (ROOT / path).read_bytes() for path in self.arguments)).hexdigest()[:10]
        self._tests += f' {each_s:g} s'
        #: How often a test was run against mutants of a file, and how often it noticed one.
        self._runs: Counter[tuple] = Counter()
        self._kills: Counter[tuple] = Counter()
        self._results: dict[str, str] = {}
        self._explained = {(entry['file'], entry['line']): entry['why'] for entry in _explained()}
        #: Survivors of tests that have changed since, and are not explained.
        self._again: set[str] = set()
        known = {mutant.key for mutant in self._mutants
                 if (mutant.path, mutant.text) in self._explained}
        if RESULTS.is_file():
            for line in RESULTS.read_text().splitlines():
                entry = json.loads(line)
                self._results[entry['key']] = entry['result']
                old = entry['result'] != 'killed' and entry.get('tests') != self._tests \
                    and entry['key'] not in known
                (self._again.add if old else self._again.discard)(entry['key'])
        self.done = False

    @pytest.hookimpl
    def pytest_configure(self):
        """Make what is random the same for every mutant."""
        settings.load_profile('mutants')

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """Run the mutants instead of the tests."""
        began = time.monotonic()
        # Survivors first, the others in no order, so that a part of them stands for all.
        left = sorted((mutant for mutant in self._mutants
                       if mutant.key not in self._results or mutant.key in self._again),
                      key=lambda mutant: (mutant.key not in self._again, hashlib.sha1(
                          mutant.key.encode()).digest()))
        if left and self._budget_s:
            covering, took_s = self._measure(session)
            RESULTS.parent.mkdir(exist_ok=True)
            with RESULTS.open('a') as file:
                for index, mutant in enumerate(left):
                    if time.monotonic() - began > self._budget_s:
                        break
                    items = covering.get((mutant.path, mutant.line), [])
                    result = self._try(mutant, items, took_s) if items else 'not entered'
                    self._results[mutant.key] = result
                    file.write(json.dumps({'key': mutant.key, 'result': result,
                                           'tests': self._tests}) + '\n')
                    file.flush()
                    if result != 'killed':
                        print(f'\n{result}: {_place(mutant)}', flush=True)
        self.done = True
        return True

    def _measure(self, session):
        """Return which tests enter which line, as far as their time goes, and what each costs."""
        tracer = coverage.Coverage(data_file=None, config_file=False,
                                   include=[str(ROOT / path) for path in self._files])
        entered, took_s = {}, {}
        tracer.start()
        for item in session.items:
            tracer.switch_context(item.nodeid)
            began = time.process_time()
            if not _passes(session, item):
                pytest.exit(f'{item.nodeid} fails without any mutant', 2)
            took_s[item] = time.process_time() - began
        tracer.stop()
        data = tracer.get_data()
        by_id = {item.nodeid: item for item in session.items}
        for path in self._files:
            for line, contexts in data.contexts_by_lineno(str(ROOT / path)).items():
                entered[path, line] = [by_id[one] for one in contexts if one in by_id]
        covering = {}
        for path in self._files:
            for line, lines in lines_of_statements(path).items():
                items = sorted({item for one in lines for item in entered.get((path, one), ())},
                               key=took_s.get)
                sums_s = accumulate(took_s[item] for item in items)
                covering[path, line] = items[:1 + sum(
                    sum_s <= self._each_s for sum_s in sums_s)]
        return covering, took_s

    def _try(self, mutant: Mutant, items, took_s) -> str:
        code = mutant.code()
        if code is None:
            return 'killed'
        # First those that notice most in the least time.
        items = sorted(items, key=lambda item: took_s[item] * (
            self._runs[mutant.path, item] + 1) / (self._kills[mutant.path, item] + 0.1))
        begun, begin = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, 1)
                os.dup2(null, 2)
                module = mutant.path.removesuffix('.py').removesuffix('/__init__')
                apply(import_module(module.replace('/', '.')), code)
                status = 0 if all(os.write(begin, b'.') and _passes_in_time(item, took_s[item])
                                  for item in items) else 1
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        os.close(begin)
        with open(begun, 'rb') as pipe:
            run = [(mutant.path, item) for item in items[:len(pipe.read())]]
        self._runs.update(run)
        if status and run:
            self._kills[run[-1]] += 1
        return 'survived' if status == 0 else 'killed'

    def report(self) -> int:
        """Print what is known; return the number of unexplained survivors."""
        known = [mutant for mutant in self._mutants if mutant.key in self._results]
        counts = Counter(self._results[mutant.key] for mutant in known)
        explained = self._explained
        lived = [mutant for mutant in known if self._results[mutant.key] != 'killed']
        open_ = [mutant for mutant in lived if (mutant.path, mutant.text) not in explained]
        share = len(lived) / len(known) if known else 0.0
        print(f'\n{self.name}: {len(self._mutants)} mutants, {len(known)} tried, '
              f'{counts["killed"]} killed, {len(lived)} survived ({share:.1%}), of these '
              f'{len(lived) - len(open_)} explained')
        for mutant in lived:
            why = explained.get((mutant.path, mutant.text))
            print(f'  {_place(mutant)}' + (f'\n    {why}' if why else ''))
        return len(open_)


def _place(mutant: Mutant) -> str:
    return f'{mutant.path}:{mutant.line}: {mutant.operator}: {mutant.text}'


def _passes_in_time(item, took_s: float) -> bool:
    """Run one test, and end the process when it takes several times as long as it took."""
    limit_s = int(time.process_time() + 2 + 3 * took_s)
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    return _passes(item.session, item)


def _passes(session, item) -> bool:
    """Run one test; return whether it passed or was skipped."""
    from _pytest.runner import runtestprotocol
    reports = runtestprotocol(item, log=False, nextitem=None)
    return not any(report.failed for report in reports)
