# SPDX-License-Identifier: Apache-2.0
"""The demo's summary: frames, recognized emotions and actions."""

from collections.abc import Callable
import math

from fer_ros.cli.demo_video import VideoFile
from fer_ros.cli.demo_watcher import Watcher


def lost_frames(figure: Callable[[str, str], int], emotions: int) -> dict[str, int]:
    """Return how many frames were lost at each step; each is counted once.

    :param figure: returns a counter of a node, by the node's name and the counter's.
    :param emotions: how many emotion arrays arrived.
    """
    detector, classifier, newer = 'face_detector', 'emotion_classifier', 'dropped (newer came)'
    received, processed, replaced, skipped, unreadable = (figure(detector, name) for name in (
        'images received', 'images processed', f'images {newer}', 'frames skipped (load)',
        'images unreadable'))
    # The middleware replaces some before the detector receives them.
    never_received = max(0, replaced - (received - processed - skipped - unreadable))
    return {
        'lost between camera and detector': (
            figure('camera_driver', 'images published') - received - never_received),
        'dropped by the detector, a newer image came': replaced,
        'skipped by the detector, which was late': skipped,
        'unreadable': unreadable,
        'lost between detector and classifier': (
            processed - figure(classifier, 'face arrays received')),
        'dropped by the classifier, newer faces came': figure(
            classifier, f'face arrays {newer}'),
        'lost between classifier and demo': (
            figure(classifier, 'face arrays processed') - emotions),
    }


def summarize(watcher: Watcher, elapsed_s: float, video: VideoFile | None) -> dict:
    """Return the summary: frames and where they were lost, emotions and actions."""
    figure = watcher.figure
    hops = lost_frames(figure, watcher.counts.emotions)
    frames = figure('camera_driver', 'images published')
    dropped = sum(hops.values())
    median, p99 = watcher.latency.median_ms, watcher.latency.p99_ms
    return {
        'source': watcher.view.source,
        'frames': frames,
        'unreadable': figure('camera_driver', 'frames unreadable'),
        'emotions': watcher.counts.emotions,
        'dropped': dropped,
        'dropped_where': {name: count for name, count in hops.items() if count},
        'unaccounted': frames - watcher.counts.emotions - dropped,
        'faces': len(watcher.counts.people),
        'readings': dict(watcher.counts.readings.most_common()),
        'actions': watcher.counts.actions,
        'hand': watcher.override.summary(),
        'latency_ms': {'median': None if math.isnan(median) else round(median, 2),
                       'p99': None if math.isnan(p99) else round(p99, 2)},
        'rate_hz': round(watcher.counts.emotions / max(elapsed_s, 1e-9), 2),
        'detector': watcher.figures.get('face_detector', {}).get('detector', ''),
        'model': watcher.figures.get('emotion_classifier', {}).get('model', ''),
        'video': str(video.path) if video and video.written else None,
        'video_frames': video.written if video else 0,
    }


def describe(summary: dict) -> str:
    """Return the summary as text."""
    where = ', '.join(f'{count} {name}' for name, count in summary['dropped_where'].items())
    readings = ', '.join(f'{label} {count}' for label, count in summary['readings'].items())
    latency = summary['latency_ms']
    lines = [
        f'{summary["frames"]} frames from {summary["source"]}, {summary["emotions"]} of them '
        f'classified ({summary["rate_hz"]} per second), {summary["dropped"]} dropped'
        + (f' ({where})' if where else '') + f', {summary["unaccounted"]} unaccounted for'
        + (f'; {summary["unreadable"]} could not be read' if summary['unreadable'] else ''),
        f'{summary["faces"]} faces tracked; emotions: {readings or "none"}',
        f'{summary["actions"]} ambient actions; {summary["hand"]["changes"]} manual changes, then '
        f'the room was left alone for {summary["hand"]["left_alone_s"]} s with '
        f'{summary["hand"]["actions_meanwhile"]} actions',
        f'stamp to EmotionArray: median {latency["median"]} ms, p99 {latency["p99"]} ms '
        f'({summary["detector"]}, {summary["model"]})']
    if summary['video']:
        lines.append(f'annotated video: {summary["video"]} ({summary["video_frames"]} frames)')
    return '\n'.join(lines)
