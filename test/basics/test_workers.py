# SPDX-License-Identifier: Apache-2.0
"""The one guard of all threads."""

import ast
from pathlib import Path
import re
import threading

from fer_ros.backoff import Backoff
from fer_ros.health import OK, Status, WARN
from fer_ros.workers import Faults, REPORTED_S, Worker
import pytest
from waiting import wait_for

TEST = Path(__file__).parents[1]
PACKAGE = TEST.parent / 'fer_ros'


class Log(list):
    def __init__(self):
        super().__init__()
        self.now_s = 0.0
        self.faults = Faults(self.append, now_s=lambda: self.now_s)

    def fail(self, text='spoiled'):
        raise RuntimeError(text)

    def status(self):
        status = Status()
        self.faults.report(status)
        return status


def test_a_fault_is_logged_once_with_its_traceback_and_reported_for_a_while():
    log = Log()
    assert log.faults.survive('a message', lambda: None) and log.status() == Status()
    for number in range(100):
        log.now_s = number / 10
        assert not log.faults.survive('a message', log.fail, f'spoiled {number}')
    assert len(log) == 1
    assert 'Traceback' in log[0] and 'RuntimeError: spoiled 0' in log[0] and 'fail' in log[0]
    status = log.status()
    assert status.level == WARN and status.values == {'internal errors': 100}
    assert status.message.startswith('a message: internal error (RuntimeError: spoiled 99)')
    log.now_s += REPORTED_S
    assert log.status().level == OK and log.status().values == {'internal errors': 100}


def test_another_fault_is_logged_too_and_one_that_lasts_after_ten_minutes():
    log = Log()
    log.faults.survive('a message', log.fail)
    log.faults.survive('a message', lambda: {}['other'])
    log.faults.survive('another message', log.fail)
    assert [text.partition(':')[0] for text in log] == ['a message', 'a message',
                                                       'another message']
    log.now_s = 601
    log.faults.survive('a message', log.fail)
    assert len(log) == 4


def test_nothing_is_heaped_up():
    log = Log()
    for number in range(1000):
        log.faults.survive(f'message {number}', log.fail, 'x' * 10_000)
    assert len(log.status().message) < 1000
    assert len(log.faults._newest) == len(log.faults._logged_s) == 64


@pytest.mark.parametrize('error', [RuntimeError, MemoryError, RecursionError, SystemExit,
                                   KeyboardInterrupt, BaseException])
def test_a_worker_restarts_whatever_was_raised(error):
    log, tries = Log(), []

    def work():
        tries.append(1)
        if len(tries) < 4:
            raise error('made up')
    worker = Worker('one', work, log.faults, backoff=Backoff(0.001, 0.002)).start()
    assert worker.end(10) is True or wait_for(lambda: not worker.alive)
    # If it ends during a pause, it does not try again.
    assert len(log) == 1 and error.__name__ in log[0]


def test_a_worker_restarts_until_its_work_is_done():
    log, tries = Log(), []

    def work():
        tries.append(threading.current_thread().name)
        if len(tries) < 4:
            log.fail()
    worker = Worker('one', work, log.faults, backoff=Backoff(0.001, 0.002)).start()
    wait_for(lambda: not worker.alive)
    assert tries == ['one'] * 4 and log.faults.count == 3 and worker.end()


def test_a_pause_is_ended_at_once():
    log = Log()
    worker = Worker('one', log.fail, log.faults, backoff=Backoff(60, 60))
    assert worker.end()    # not begun
    worker = Worker('one', log.fail, log.faults, backoff=Backoff(60, 60)).start()
    wait_for(lambda: log.faults.count)
    assert worker.alive and worker.end(10)


def test_a_worker_that_works_on_is_not_waited_for_longer():
    go = threading.Event()
    worker = Worker('one', go.wait, Faults(), daemon=True).start()
    assert not worker.end(0.01)
    go.set()
    assert worker.end(10)


def calls(name):
    """Return the files and calls of a name in the package."""
    for path in PACKAGE.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split('.')[-1] == name:
                yield path.relative_to(PACKAGE).as_posix(), node


def test_every_thread_is_a_worker():
    assert [path for name in ('Thread', 'start_new_thread')
            for path, _ in calls(name)] == ['workers.py']
    # What its threads raise comes back with their results.
    assert [path for path, _ in calls('ThreadPoolExecutor')] == ['doctor/libraries.py']


def test_every_worker_is_killed_by_a_test():
    text = ''.join(path.read_text(encoding='utf-8') for path in TEST.rglob('test_*.py'))
    killed = re.findall(r"kill\(f?'(.*?)'\)", text)
    for path, call in calls('Worker'):
        # The fixed part of its name; a receiver has it in a variable.
        name = next((part.value for part in ast.walk(call.args[0])
                     if isinstance(part, ast.Constant)), 'receiver of')
        assert any(name.strip() in one for one in killed), f'{path}: {name}'
