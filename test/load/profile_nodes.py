# SPDX-License-Identifier: Apache-2.0
"""Where the time of a frame goes, by thread and by line: ``make profile``.

Detector and classifier run as usual, over real DDS, while py-spy looks at them a hundred times per
second. The milliseconds of a thread are the kernel's; a line's are its share of the thread's
samples. Nothing needs root: the nodes let themselves be looked at.
"""

import argparse
from collections import Counter
import ctypes
import json
import os
from pathlib import Path
import re
import runpy
import subprocess
import sys

from fer_ros.bench import frames, measure, pipeline

SPY = Path('build/profile/bin/py-spy')
_RATE_HZ = 100
_TICK_MS = 1e3 / os.sysconf('SC_CLK_TCK')
#: PR_SET_PTRACER and PR_SET_PTRACER_ANY of prctl(2).
_SET_PTRACER, _ANYBODY = 0x59616d61, ctypes.c_ulong(-1)
#: Where threads wait for work: not idle in the eyes of py-spy.
_WAITING = ('SubscriptionWaiter.wait', 'LatestMailbox.take', 'Condition.wait', 'wait (', 'take (',
            'run (')
#: What is profiled: the nodes, cameras, frames per second.
CASES = {'composed, 1 camera at 30 Hz': (True, 1, 30.0),
         'one process a node, 1 camera at 30 Hz': (False, 1, 30.0),
         'one process a node, 8 cameras at 15 Hz': (False, 8, 15.0)}


def traced(arguments: list[str]) -> None:
    """Run a module as a program that py-spy may look at."""
    ctypes.CDLL(None).prctl(_SET_PTRACER, _ANYBODY, 0, 0, 0)
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name='__main__', alter_sys=True)


def thread_ms(pid: int) -> dict[int, float]:
    """Return the processor milliseconds of each thread of a process so far."""
    found = {}
    for task in Path(f'/proc/{pid}/task').iterdir():
        fields = (task / 'stat').read_text().rpartition(')')[2].split()
        found[int(task.name)] = (int(fields[11]) + int(fields[12])) * _TICK_MS
    return found


def thread_names(pid: int) -> dict[int, str]:
    """Return the names of a process's Python threads by their number."""
    dump = subprocess.run([SPY, 'dump', '--json', '--pid', str(pid)], check=True,
                          capture_output=True, text=True)
    return {thread['os_thread_id']: thread['thread_name'] for thread in json.loads(dump.stdout)}


def samples(path: Path) -> dict[int, Counter]:
    """Return how often each line was met at work, by the thread's number.

    :param path: what py-spy has recorded: a line for each stack, its frames and its count.
    """
    found: dict[int, Counter] = {}
    for line in path.read_text().splitlines():
        stack, _, count = line.rpartition(' ')
        thread, *calls = stack.split(';')
        number = re.match(r'thread \((\w+)\)', thread)
        if number and calls and not calls[-1].startswith(_WAITING):
            found.setdefault(int(number[1], 0), Counter())[_line(calls)] += int(count)
    return found


def _line(calls: list[str]) -> str:
    """Return the innermost call in this package, with what it was in when that is another's."""
    own = [call for call in calls if 'fer_ros/' in call]
    last = own[-1] if own else calls[-1]
    where = re.sub(r'\(\S*?(fer_ros/\S+)\)', r'(\1)', last)
    return where if not own or own[-1] == calls[-1] else f'{where} in {calls[-1].split(" (")[0]}'


def profile(composed: bool, cameras: int, rate_hz: float, seconds: float) -> None:
    """Feed the nodes and print where their time went."""
    bench = pipeline.Bench(cameras)
    commands = [[__file__, *command] for command in pipeline.node_commands(composed, cameras)]
    running = [subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for command in commands]
    try:
        images = frames.sequence(640, 480, 1)
        bench.await_graph()
        bench.feed_until(images, cameras)
        bench.feed(images, 2.0, rate_hz)
        # One camera of many stands for all.
        chosen = running if cameras == 1 else [running[0], running[-1]]
        names = {process.pid: thread_names(process.pid) for process in chosen}
        before = {process.pid: thread_ms(process.pid) for process in chosen}
        folder = Path('build/profile')
        spies = [subprocess.Popen(
            [SPY, 'record', '--pid', str(process.pid), '--threads', '--format', 'raw', '--rate',
             str(_RATE_HZ), '--duration', str(round(seconds)), '--output',
             folder / f'{process.pid}.txt'], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True) for process in chosen]
        bench.reset()
        began = [measure.process_cpu_s(process.pid) for process in running]
        sent = bench.feed(images, seconds, rate_hz)
        used = [measure.process_cpu_s(process.pid) - start
                for process, start in zip(running, began)]
        after = {process.pid: thread_ms(process.pid) for process in chosen}
        for spy in spies:
            problem = spy.communicate(timeout=60)[1]
            if spy.returncode:
                raise SystemExit(f'py-spy failed: {problem}')
        times = measure.figures(bench.latencies_ms)
        print(f'{sum(used) / sent * 1e3:.1f} ms of CPU time per frame, latency '
              f'{times["median"]:.1f} ms median, {times["p99"]:.1f} p99')
        for process, command in zip(chosen, [commands[0], commands[-1]]):
            own = sent / cameras if cameras > 1 and process is chosen[0] else sent
            _show(command[1].rpartition('.')[2], process.pid, names[process.pid],
                  {tid: after[process.pid].get(tid, 0) - before[process.pid].get(tid, 0)
                   for tid in after[process.pid]}, own, samples(folder / f'{process.pid}.txt'))
    finally:
        pipeline.stop(running)
        bench.close()


def _show(name: str, pid: int, names: dict[int, str], spent: dict[int, float], sent: float,
          lines: dict[int, Counter]) -> None:
    print(f'\n### {name}: {sum(spent.values()) / sent:.2f} ms per frame\n')
    print('| thread | line | ms per frame |\n|---|---|---|')
    native = sum(ms for tid, ms in spent.items() if tid not in names) / sent
    for tid, ms in sorted(spent.items(), key=lambda item: -item[1]):
        if tid not in names or ms / sent < 0.02:
            continue
        print(f'| {names[tid]} | all | {ms / sent:.2f} |')
        counted = lines.get(tid, Counter())
        for line, count in counted.most_common(10):
            part = ms / sent * count / counted.total()
            if part >= 0.05:
                print(f'| | `{line}` | {part:.2f} |')
    print(f'| threads of libraries (DDS) | all | {native:.2f} |')


def main() -> int:
    """Profile each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=10.0)
    options = parser.parse_args()
    pipeline.isolate()
    for name, case in CASES.items():
        print(f'\n## {name}', flush=True)
        profile(*case, options.seconds)
    return 0


if __name__ == '__main__':
    if len(sys.argv) > 1 and sys.argv[1].startswith('fer_ros.'):
        traced(sys.argv[1:])
    else:
        raise SystemExit(main())
