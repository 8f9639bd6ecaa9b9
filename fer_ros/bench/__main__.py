# SPDX-License-Identifier: Apache-2.0
"""fer-bench: measure the speed on this machine; print a table and write JSON."""

import argparse
from functools import reduce
import json
from operator import getitem
import os
from pathlib import Path
import platform
import sys

from fer_ros.bench import goals
from fer_ros.errors import FerError
from fer_ros.inference.processor import instruction_set

#: Same work in each image: the ratio of two medians shows what ROS adds.
EVERY_IMAGE = '640x480, 1 face, detection in every image'
SECTIONS = ('stages', 'limits', 'pipeline', 'attention', 'scale', 'peers', 'soak')


def machine() -> dict:
    """Return a description of the machine."""
    from importlib.metadata import PackageNotFoundError, version
    versions = {}
    for package in ('numpy', 'opencv-python-headless', 'ai-edge-litert', 'onnxruntime',
                    'ros-rclpy', 'ros-fastrtps', 'tensorflow', 'fer'):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    lines = Path('/proc/cpuinfo').read_text().splitlines()
    model = [line.split(':', 1)[1].strip() for line in lines
             if line.startswith('model name')]
    return {'cpu': model[0] if model else platform.processor(),
            'instruction_set': instruction_set(), 'cores': os.cpu_count(),
            'load_1min_before': round(os.getloadavg()[0], 2), 'system': platform.platform(),
            'python': platform.python_version(), 'versions': versions}


#: Several cameras are fed for this long before they are measured, seconds.
_SETTLE_S = 20.0
#: Runs that are compared are made so often, in turn, and of each the median counts.
_ROUNDS = 3


def measure_all(sections: list[str], seconds: float, soak_frames: int) -> dict:
    """Run the sections and return their results by name."""
    from fer_ros.bench import frames, stages
    results: dict = {'machine': machine()}
    vga = {count: frames.sequence(640, 480, count) for count in (1, 4, 8)}
    if 'stages' in sections:
        _say('stages')
        results['stages'] = stages.core_stages(vga)
        results['stages'].update(stages.message_stages(vga[1][0]))
    if 'limits' in sections:
        _say('limits')
        results['limits'] = {
            f'no ROS, 640x480, {count} face{"s" * (count > 1)}': stages.whole_way(vga[count])
            for count in vga}
    if {'pipeline', 'attention', 'scale', 'limits', 'soak'} & set(sections):
        from fer_ros.bench import pipeline
        pipeline.isolate()
    if 'limits' in sections:
        results['limits']['rclpy alone, 640x480 there and a header back'] = \
            pipeline.alone(pipeline.raw_transport, vga[1], seconds)
    if 'pipeline' in sections:
        rows = results['pipeline'] = {}
        hd = {count: frames.sequence(1280, 720, count) for count in (1, 4, 8)}
        for composed in (False, True):
            how = 'composed' if composed else 'one process per node'
            for size, by_count in (('640x480', vga), ('1280x720', hd)):
                for count, sequence in by_count.items():
                    name = f'{how}, {size}, {count} face{"s" * (count > 1)}'
                    _say(name)
                    rows[name] = pipeline.alone(pipeline.steady, sequence, composed=composed,
                                                seconds=seconds)
            rows[f'{how}, 640x480, 1 face, as consumed'] = pipeline.alone(
                pipeline.throughput, vga[1], composed=composed, seconds=seconds)
        direct, composed_rows = [], []
        for _ in range(_ROUNDS):
            _say(EVERY_IMAGE)
            direct.append(stages.whole_way(vga[1], detect_every=1))
            composed_rows.append(pipeline.alone(
                pipeline.steady, vga[1], composed=True, seconds=seconds,
                detector_args=('-p', 'face_detector:detect_every:=1')))
        rows[f'no ROS, {EVERY_IMAGE}'] = _middle(direct, 'median')
        rows[f'composed, {EVERY_IMAGE}'] = _middle(composed_rows, 'latency_ms', 'median')
    if 'attention' in sections:
        runs: dict[str, list[dict]] = {}
        # What attention costs is a difference of two runs, which chance moves by half of it.
        for _ in range(_ROUNDS):
            for count in (1, 4):
                for listens, how in ((None, 'without it'), (False, 'nobody asks'),
                                     (True, 'asked')):
                    name = f'attention, 640x480, {count} face{"s" * (count > 1)}: {how}'
                    _say(name)
                    runs.setdefault(name, []).append(pipeline.alone(
                        pipeline.steady, vga[count], composed=True, seconds=seconds,
                        attention=listens))
        results['attention'] = {
            name: _middle(rows, 'cpu_ms_per_frame') for name, rows in runs.items()}
    if 'scale' in sections:
        rows = results['scale'] = {}
        for count in (16, 32):
            name = f'{count} faces, 1280x720'
            _say(name)
            rows[name] = pipeline.alone(pipeline.steady, frames.sequence(1280, 720, count),
                                        composed=False, seconds=seconds)
        for cameras in (2, 4, 8, 12, 16):
            name = f'{cameras} cameras, 640x480 at 15 Hz'
            _say(name)
            rows[name] = pipeline.alone(pipeline.steady, vga[1], composed=False, seconds=seconds,
                                        rate_hz=15, cameras=cameras, settle_s=_SETTLE_S)
    if 'peers' in sections:
        _say('peers')
        from fer_ros.bench import peers
        results['peers'] = peers.compare(vga[1], seconds)
    if 'soak' in sections and soak_frames:
        _say(f'{soak_frames} frames')
        results['soak'] = pipeline.alone(pipeline.soak, vga[1], soak_frames)
    return results


def _middle(rows: list[dict], *keys: str) -> dict:
    """Return the row with the median of a value, which is under these keys."""
    return sorted(rows, key=lambda row: reduce(getitem, keys, row))[len(rows) // 2]


def table(results: dict) -> str:
    """Return the results as text."""
    lines = []
    info = results['machine']
    lines.append(f'{info["cpu"]}, {info["cores"]} cores, load {info["load_1min_before"]} before; '
                 f'Python {info["python"]}')
    for section, rows in results.items():
        if section == 'machine':
            continue
        lines.append(f'\n{section}')
        if section == 'goals':
            lines.extend(f'  {row["goal"]:<52} {row["value"]:>8} {row["unit"]}, goal at '
                         f'{"least" if row["at_least"] else "most"} {row["limit"]}: '
                         f'{"met" if row["met"] else "MISSED"}' for row in rows)
            continue
        if section == 'soak':
            lines.extend(f'  {key}: {value}' for key, value in rows.items())
            continue
        for name, row in rows.items():
            lines.append(f'  {name:<52} {_row(row)}')
    return '\n'.join(lines)


def _row(row: dict) -> str:
    if 'skipped' in row:
        return f'skipped: {row["skipped"]}'
    parts = []
    times = row.get('latency_ms') or row.get('wall_ms') or row
    if 'median' in times:
        parts.append(f'{times["median"]:8.3f} ms median {times["p99"]:8.3f} p99 '
                     f'{times["spread"]:7.3f} iqr')
    for key, unit in (('cpu_ms', 'cpu ms'), ('peak_alloc_kib', 'KiB allocated'),
                      ('cpu_s_per_s', 'cores'), ('cpu_ms_per_frame', 'cpu ms/frame'),
                      ('rss_mib', 'MiB'), ('private_mib', 'MiB private'),
                      ('peak_mib', 'MiB at most'), ('startup_s', 's to first result'),
                      ('least_hz', 'Hz of the slowest camera'), ('missing', 'missing'),
                      ('unreported', 'unreported'),
                      ('frames_per_s', 'frames/s'), ('attention_per_s', 'attention/s'),
                      ('ours_cpu_ms', 'cpu ms ours'), ('cpu_ratio', 'times ours')):
        if key in row:
            parts.append(f'{row[key]} {unit}')
    return ', '.join(parts)


def _say(text: str) -> None:
    print(f'measuring {text} ...', file=sys.stderr, flush=True)


def main(args: list[str] | None = None) -> int:
    """Measure, print the table, write the JSON file."""
    parser = argparse.ArgumentParser(prog='fer-bench', description=__doc__)
    parser.add_argument('sections', nargs='*', metavar='SECTION',
                        help=f'any of {", ".join(SECTIONS)}; all but soak by default')
    parser.add_argument('--json', type=Path, default=Path('build/bench.json'), metavar='FILE')
    parser.add_argument('--seconds', type=float, default=8.0,
                        help='length of each measurement of the pipeline, default 8')
    parser.add_argument('--soak-frames', type=int, default=20_000)
    options = parser.parse_args(args)
    sections = options.sections or [name for name in SECTIONS if name != 'soak']
    unknown = [name for name in sections if name not in SECTIONS]
    if unknown:
        parser.error(f'unknown section {", ".join(unknown)}: choose from {", ".join(SECTIONS)}')
    try:
        results = measure_all(sections, options.seconds, options.soak_frames)
    except FerError as error:
        print(f'fer-bench: {error}', file=sys.stderr)
        return 1
    options.json.parent.mkdir(parents=True, exist_ok=True)
    results['goals'] = goals.judge(results)
    options.json.write_text(json.dumps(results, indent=1))
    print(table(results))
    print(f'\nwritten to {options.json}')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
