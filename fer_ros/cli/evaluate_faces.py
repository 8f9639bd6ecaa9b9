# SPDX-License-Identifier: Apache-2.0
"""fer-eval detect and track: evaluate face detection and tracking."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
import time

import cv2
from fer_ros.cameras.encoded import read_image
from fer_ros.cameras.sources import IMAGE_SUFFIXES, open_source
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation import detection, tracking
from fer_ros.evaluation.page import Page
from fer_ros.faces.detection import create_detector, DETECTORS, FaceDetector
from fer_ros.faces.face_finder import DETECT_EVERY, FaceFinder
from fer_ros.faces.tracking import FaceTracker
import numpy as np

# Average precision requires low-score detections too; below this they are noise.
_LOWEST_SCORE = 0.1
_PICTURES = 12
_GREEN, _RED, _ORANGE = (60, 160, 40), (40, 40, 220), (0, 140, 255)


def add_commands(commands) -> list[argparse.ArgumentParser]:
    """Add both commands to ``fer-eval`` and return them."""
    detect = commands.add_parser('detect', help='the detector, on labeled images')
    detect.add_argument('folder', metavar='DIR', help='contains images/ and labels.txt')
    detect.add_argument('--conditions', default=','.join(detection.CONDITIONS), metavar='LIST',
                        help='test conditions of the images (%(default)s); upright is always '
                             'included')
    track = commands.add_parser('track', help='the tracker, on synthetic videos of a real face')
    track.add_argument('video', metavar='VIDEO', help='a video or image that shows a face')
    track.add_argument('--detect-every', type=int, default=DETECT_EVERY, metavar='N',
                       help='detect on every N-th frame (%(default)s)')
    track.add_argument('--truth', default='', metavar='CSV',
                       help="positions of the video's only face (frame,x,y,size): measures the "
                            "video "
                       'itself too')
    for command, run in ((detect, _detect), (track, _track)):
        command.set_defaults(run=run)
        add_detector(command)
    return [detect, track]


def add_detector(command: argparse.ArgumentParser) -> None:
    """Add the options that select the detector."""
    command.add_argument('--detector', default=DETECTORS[0], choices=DETECTORS)
    command.add_argument('--model-path', default='', metavar='FILE')
    command.add_argument('--size-px', type=int, default=0, metavar='N',
                         help="longer side of the scaled image; 0: the detector's default")


def detector_of(chosen: argparse.Namespace, score_threshold: float | None = None) -> FaceDetector:
    """Return the detector that the options select."""
    return create_detector(chosen.detector, model_path=chosen.model_path,
                           size_px=chosen.size_px, score_threshold=score_threshold)


def _detect(chosen: argparse.Namespace) -> tuple[dict, Page]:
    conditions = [name for name in chosen.conditions.split(',') if name]
    unknown = set(conditions) - set(detection.CONDITIONS)
    if unknown:
        raise ConfigurationError(f"unknown condition '{sorted(unknown)[0]}': choose from "
                                 f'{", ".join(detection.CONDITIONS)}')
    items = detection.read_labels(chosen.folder)
    detector = detector_of(chosen)
    threshold = detector.score_threshold
    times_ms = detection.processor_times(detector, items) * 1000
    detector = detector_of(chosen, min(threshold, _LOWEST_SCORE))
    results: dict[str, list] = {}
    for condition in dict.fromkeys(['upright', *conditions]):
        results[condition] = list(detection.run(detector, items, condition))
    outcomes = {name: [outcome for _, outcome in result] for name, result in results.items()}
    upright = outcomes['upright']
    precision, recall = detection.at_threshold(upright, 24, threshold)
    figures = {
        'detector': detector.description,
        'images': len(items),
        'faces_24px': int(sum((detection.side_lengths(o.labels) >= 24).sum() for o in upright)),
        'faces_48px': int(sum((detection.side_lengths(o.labels) >= 48).sum() for o in upright)),
        'ap24': detection.average_precision(upright, 24),
        'ap48': detection.average_precision(upright, 48),
        'score_threshold': threshold,
        'precision24': precision,
        'recall24': recall,
        'recall_by_size': detection.recall_by_size(upright, threshold),
        'recall48_by_condition': {name: detection.at_threshold(found, 48, threshold)[1]
                                  for name, found in outcomes.items()},
        'ap24_by_condition': {name: detection.average_precision(found, 24)
                              for name, found in outcomes.items()},
        'ms_cpu_per_frame': float(np.mean(times_ms)),
        'ms_cpu_median': float(np.median(times_ms)),
    }
    page = Page('Face detection')
    page.paragraph(f'{figures["detector"]}, on {len(items)} images scaled to '
                   f'{detection.LONGER_SIDE_PX} px. A face is found at an intersection over '
                   f'union of {detection.MATCHING_IOU}; its size is the root of its area; '
                   'smaller ones are ignored.')
    rows = [('AP, 24 px and more', figures['ap24']), ('AP, 48 px and more', figures['ap48']),
            (f'precision at {threshold:g}, 24 px', precision),
            (f'recall at {threshold:g}, 24 px', recall),
            ('CPU ms per frame, mean', figures['ms_cpu_per_frame']),
            ('CPU ms per frame, median', figures['ms_cpu_median'])]
    page.show('Figures', ('', 'value'), rows)
    page.show(f'Recall at {threshold:g} by size', ('face, px', 'recall'),
          figures['recall_by_size'].items())
    page.show('By condition', ('condition', 'recall, 48 px', 'AP, 24 px'),
          [(name, value, figures['ap24_by_condition'][name])
           for name, value in figures['recall48_by_condition'].items()])
    page.heading('Precision over recall')
    lines = {}
    for name, found in outcomes.items():
        _, precisions, recalls = detection.precision_recall(found, 24)
        lines[name] = (recalls, precisions)
    page.chart(lines, x='recall', y='precision')
    page.heading('Where it is worst')
    page.paragraph('Green: found; red: missed; orange: found where no face of 24 px is labeled.')
    _worst_pictures(page, results['upright'], threshold)
    return figures, page


def _worst_pictures(page: Page, results: list, threshold: float) -> None:
    judged = []
    for item, outcome in results:
        chosen = outcome.scores >= threshold
        outcome = detection.Outcome(outcome.boxes[chosen], outcome.scores[chosen],
                                    outcome.labels, outcome.overlaps[chosen])
        verdicts, finder = detection.matched(outcome, 24)
        missed = outcome.labels[(finder < 0) & (detection.side_lengths(outcome.labels) >= 24)]
        judged.append((len(missed) + int((verdicts == 0).sum()), item, outcome, verdicts, missed))
    judged.sort(key=lambda entry: -entry[0])
    for _, item, outcome, verdicts, missed in judged[:_PICTURES]:
        image, _ = detection.load_scaled(item)
        for boxes, color in ((outcome.boxes[verdicts == 1], _GREEN), (missed, _RED),
                              (outcome.boxes[verdicts == 0], _ORANGE)):
            for x0, y0, x1, y1 in boxes.astype(int).tolist():
                cv2.rectangle(image, (x0, y0), (x1, y1), color, 2)
        page.picture(image, item.path.name)


def _track(chosen: argparse.Namespace) -> tuple[dict, Page]:
    truth = tracking.read_truth(chosen.truth) if chosen.truth else {}
    detector = detector_of(chosen)
    face = tracking.first_face(_frames(chosen.video), detector)
    if face is None:
        raise ConfigurationError(f"no face found in the first frames of '{chosen.video}': "
                                 'give a video or image that shows one')
    frame, sprite = face
    backdrop = tracking.background(frame)
    sprites = [sprite, sprite.mirrored()]
    page = Page('Face tracking')
    page.paragraph(f'{detector.description}, detection on every {chosen.detect_every}. frame. '
                   'The face below was cropped from the video and moved, scaled, crossed and '
                   'covered at known positions; a face behind another or covered need not be '
                   'found. Jitter: standard deviation about the true position in widths of the '
                   'face.')
    page.picture(sprite.pixels, 'the face')
    figures: dict = {'detector': detector.description, 'detect_every': chosen.detect_every,
                     'scenes': {}}
    scenes = {name: (len(scene.people), int(scene.duration_s * tracking.RATE_HZ * 0.45),
                     tracking.render(scene, sprites, backdrop))
              for name, scene in tracking.scenes().items()}
    if truth:
        scenes['the video'] = (1, len(truth) // 2, _recorded(chosen.video, truth))
    for name, (people, shown, frames) in scenes.items():
        finder = FaceFinder(detector, FaceTracker(), detect_every=chosen.detect_every)
        meter = tracking.TrackingMeter(people)
        middle, took_s, count = None, 0.0, 0
        for stamp_s, image, boxes in frames:
            started_s = time.process_time()
            faces = finder.process(image, stamp_s)
            took_s, count = took_s + time.process_time() - started_s, count + 1
            meter.add(faces, boxes)
            if count > shown and middle is None:
                middle = image.copy()
                for one in faces:
                    box = one.box
                    cv2.rectangle(middle, (int(box.x), int(box.y)),
                                  (int(box.x + box.width), int(box.y + box.height)), _GREEN, 2)
                    cv2.putText(middle, str(one.track_id), (int(box.x), int(box.y) - 5),
                                cv2.FONT_HERSHEY_SIMPLEX, 0.7, _GREEN, 2)
        figures['scenes'][name] = {**asdict(meter.figures()),
                                   'ms_cpu_per_frame': took_s * 1000 / max(count, 1)}
        if middle is not None:
            page.picture(middle, name)
    results = figures['scenes'].values()
    figures['switches'] = sum(scene['switches'] for scene in results)
    figures['fragments'] = sum(scene['fragments'] for scene in results)
    figures['false_faces'] = sum(scene['false_faces'] for scene in results)
    figures['jitter_still'] = figures['scenes']['still']['jitter']
    figures['size_jitter_still'] = figures['scenes']['still']['size_jitter']
    page.show('Figures', ('scene', 'faces', 'found', 'switches', 'fragments', 'false', 'jitter',
                            'size jitter', 'ms per frame'),
          [(name, *scene.values()) for name, scene in figures['scenes'].items()])
    return figures, page


def _recorded(source: str, truth: dict[int, np.ndarray]
              ) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """Yield stamp, image and true box of the frames of a labeled video."""
    nowhere = np.full((1, 4), np.nan)
    for i, frame in enumerate(_frames(source)):
        yield i / tracking.RATE_HZ, frame, truth.get(i, nowhere)


def _frames(source: str) -> Iterator[np.ndarray]:
    """Yield the frames of a video, or an image as one frame."""
    if not Path(source).is_file():
        raise ConfigurationError(f"'{source}' does not exist: give a video or image file")
    if Path(source).suffix.lower() in IMAGE_SUFFIXES:
        yield read_image(source)
        return
    video = open_source(source)
    try:
        while (frame := video.read()) is not None:
            yield frame
    finally:
        video.close()
