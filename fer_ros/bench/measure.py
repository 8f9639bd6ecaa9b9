# SPDX-License-Identifier: Apache-2.0
"""Time functions, and read a process's CPU time and memory from the kernel."""

from collections.abc import Callable
import gc
import os
from pathlib import Path
import time
import tracemalloc

import numpy as np

_TICK_S = 1 / os.sysconf('SC_CLK_TCK')
_PAGE_BYTES = os.sysconf('SC_PAGE_SIZE')


def figures(values_ms: list[float]) -> dict[str, float]:
    """Return median, 99th percentile and spread (interquartile range) of times in ms."""
    if not values_ms:
        return {'median': float('nan'), 'p99': float('nan'), 'spread': float('nan'), 'n': 0}
    low, median, high, p99 = np.percentile(values_ms, [25, 50, 75, 99])
    return {'median': round(float(median), 4), 'p99': round(float(p99), 4),
            'spread': round(float(high - low), 4), 'n': len(values_ms)}


def stage(function: Callable[[], object], *, minimum: int = 30, budget_s: float = 1.5) -> dict:
    """Time calls of a function: wall ms (median, p99, spread), CPU ms, peak allocation.

    :param minimum: minimum number of calls; more are made until ``budget_s`` is spent.
    """
    for _ in range(3):
        function()
    gc.collect()
    walls = []
    end = time.perf_counter() + budget_s
    cpu = time.process_time()
    while len(walls) < minimum or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        walls.append((time.perf_counter() - start) * 1e3)
    cpu_ms = (time.process_time() - cpu) / len(walls) * 1e3
    tracemalloc.start()
    function()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {**figures(walls), 'cpu_ms': round(cpu_ms, 4),
            'peak_alloc_kib': round(max(0, peak - before) / 1024, 1)}


def process_cpu_s(pid: int) -> float:
    """Return the CPU time of a process, user and system, seconds."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def process_rss_mib(pid: int) -> float:
    """Return the resident memory of a process, MiB."""
    return int(Path(f'/proc/{pid}/statm').read_text().split()[1]) * _PAGE_BYTES / 2**20


def process_peak_mib(pid: int) -> float:
    """Return the most memory that was resident at a time since a process started, MiB."""
    text = Path(f'/proc/{pid}/status').read_text()
    return int(text.partition('VmHWM:')[2].split()[0]) / 1024


def process_private_mib(pid: int) -> float:
    """Return the private memory of a process, MiB."""
    text = Path(f'/proc/{pid}/smaps_rollup').read_text()
    return sum(int(line.split()[1]) for line in text.splitlines()
               if line.startswith('Private')) / 1024
