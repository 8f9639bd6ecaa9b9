# SPDX-License-Identifier: Apache-2.0
"""fer-eval: measure how well faces are found, followed and read over time."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
import json
from pathlib import Path
import sys
import time

import cv2
from fer_ros.cli import evaluate_emotions
from fer_ros.emotions.classification import EmotionClassifier
from fer_ros.errors import ConfigurationError, FerError
from fer_ros.evaluation import crops, detection, tracking
from fer_ros.evaluation.page import Page, write_text
from fer_ros.faces.alignment import align_face, CROP_OVER_BOX
from fer_ros.faces.detection import create_detector, DETECTORS, FaceDetector
from fer_ros.faces.detection.mtcnn import LandmarkNet
from fer_ros.faces.face_finder import DETECT_EVERY, FaceFinder
from fer_ros.faces.tracking import FaceTracker
import numpy as np

# Average precision needs the doubtful detections too; below this they are noise.
_LOWEST_SCORE = 0.1
_PICTURES = 12
_GREEN, _RED, _ORANGE = (60, 160, 40), (40, 40, 220), (0, 140, 255)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 is good, 1 something that cannot be measured."""
    parser = argparse.ArgumentParser(prog='fer-eval', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    detect = commands.add_parser('detect', help='the detector, on labelled images')
    detect.add_argument('folder', metavar='DIR', help='holds images/ and labels.txt')
    detect.add_argument('--conditions', default=','.join(detection.CONDITIONS), metavar='LIST',
                        help='what is done to the images (%(default)s); upright always is')
    track = commands.add_parser('track', help='the tracker, on videos made of a real face')
    track.add_argument('video', metavar='VIDEO', help='a video or image that shows a face')
    track.add_argument('--detect-every', type=int, default=DETECT_EVERY, metavar='N',
                       help='detect on every N-th frame (%(default)s)')
    track.add_argument('--truth', default='', metavar='CSV',
                       help="where the video's one face is (frame,x,y,size): measures the video "
                       'itself too')
    crop = commands.add_parser('crop', help='framing, turning and quality, on labelled faces')
    crop.add_argument('csv', metavar='CSV', help="FER2013's file; its last rows are taken")
    crop.add_argument('--model', default='', metavar='FILE',
                      help='emotion model; empty: the one that ships')
    crop.add_argument('--faces', type=int, default=800, metavar='N', help='rows (%(default)s)')
    for command, run in ((detect, _detect), (track, _track), (crop, _crop)):
        command.set_defaults(run=run)
        command.add_argument('--detector', default=DETECTORS[0], choices=DETECTORS)
        command.add_argument('--model-path', default='', metavar='FILE')
        command.add_argument('--size-px', type=int, default=0, metavar='N',
                             help="longer side the detector sees; 0: the detector's default")
    others = evaluate_emotions.add_commands(commands)
    for command in (detect, track, *others, crop):
        command.add_argument('--json', default='', metavar='FILE', help='the figures')
        command.add_argument('--page', default=f'fer-eval-{command.prog.split()[-1]}.html',
                             metavar='FILE', help='the report (%(default)s)')
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        figures, page = chosen.run(chosen)
        if chosen.json:
            write_text(chosen.json, json.dumps(figures, indent=2) + '\n')
        page.write(chosen.page)
    except FerError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0
    print(f'report: {chosen.page}')
    return 0


def _create(chosen: argparse.Namespace, score_threshold: float | None = None) -> FaceDetector:
    return create_detector(chosen.detector, model_path=chosen.model_path,
                           size_px=chosen.size_px, score_threshold=score_threshold)


def _detect(chosen: argparse.Namespace) -> tuple[dict, Page]:
    conditions = [name for name in chosen.conditions.split(',') if name]
    unknown = set(conditions) - set(detection.CONDITIONS)
    if unknown:
        raise ConfigurationError(f"unknown condition '{sorted(unknown)[0]}': choose of "
                                 f'{", ".join(detection.CONDITIONS)}')
    items = detection.read_labels(chosen.folder)
    detector = _create(chosen)
    threshold = detector.score_threshold
    times_ms = detection.processor_times(detector, items) * 1000
    detector = _create(chosen, min(threshold, _LOWEST_SCORE))
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
                   'smaller ones than named count neither way.')
    rows = [('AP, 24 px and more', figures['ap24']), ('AP, 48 px and more', figures['ap48']),
            (f'precision at {threshold:g}, 24 px', precision),
            (f'recall at {threshold:g}, 24 px', recall),
            ('processor ms a frame, mean', figures['ms_cpu_per_frame']),
            ('processor ms a frame, median', figures['ms_cpu_median'])]
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
    page.paragraph('Green: found; red: missed; orange: found where no face of 24 px is labelled.')
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
        for boxes, colour in ((outcome.boxes[verdicts == 1], _GREEN), (missed, _RED),
                              (outcome.boxes[verdicts == 0], _ORANGE)):
            for x0, y0, x1, y1 in boxes.astype(int).tolist():
                cv2.rectangle(image, (x0, y0), (x1, y1), colour, 2)
        page.picture(image, item.path.name)


def _track(chosen: argparse.Namespace) -> tuple[dict, Page]:
    truth = tracking.read_truth(chosen.truth) if chosen.truth else {}
    detector = _create(chosen)
    face = tracking.first_face(_frames(chosen.video), detector)
    if face is None:
        raise ConfigurationError(f"no face was found in the first frames of '{chosen.video}': "
                                 'give a video or image that shows one')
    frame, sprite = face
    backdrop = tracking.background(frame)
    sprites = [sprite, sprite.mirrored()]
    page = Page('Face tracking')
    page.paragraph(f'{detector.description}, detection on every {chosen.detect_every}. frame. '
                   'The face below was cut out of the video and moved, scaled, crossed and '
                   'covered at known places; a face behind another or covered need not be '
                   'found. Jitter: standard deviation about the true place in widths of the '
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
                            'size jitter', 'ms a frame'),
          [(name, *scene.values()) for name, scene in figures['scenes'].items()])
    return figures, page


def _recorded(source: str, truth: dict[int, np.ndarray]
              ) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """Yield stamp, image and true box of the frames of a video whose face is known."""
    nowhere = np.full((1, 4), np.nan)
    for i, frame in enumerate(_frames(source)):
        yield i / tracking.RATE_HZ, frame, truth.get(i, nowhere)


def _frames(source: str) -> Iterator[np.ndarray]:
    """Yield the frames of a video or the one of an image."""
    if not Path(source).is_file():
        raise ConfigurationError(f"'{source}' is not there: give a video or image file")
    image = cv2.imread(source, cv2.IMREAD_COLOR)
    if image is not None:
        yield image
        return
    capture = cv2.VideoCapture(source)
    try:
        good, frame = capture.read()
        if not good:
            raise ConfigurationError(f"'{source}' cannot be read as a video or image")
        while good:
            yield frame
            good, frame = capture.read()
    finally:
        capture.release()


def _crop(chosen: argparse.Namespace) -> tuple[dict, Page]:
    if chosen.faces < 1:
        raise ConfigurationError(f'--faces is {chosen.faces}: it must be 1 or more')
    detector = _create(chosen)
    classifier = EmotionClassifier(chosen.model)
    samples = crops.find_samples(chosen.csv, chosen.faces, detector)
    truth = np.array([sample.emotion for sample in samples])

    def read(images: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([classifier.classify(np.stack(images[i:i + 64]))
                               for i in range(0, len(images), 64)])

    def right(images: list[np.ndarray], labels: np.ndarray = truth) -> tuple[float, float]:
        values = read(images)
        return float((values.argmax(axis=1) == labels).mean()), float(values.max(axis=1).mean())

    framing = {f'{side:g}': right([crops.framed(sample, side) for sample in samples])
               for side in crops.FRAMINGS}
    sampling = {'averaged, then linear': framing[f'{CROP_OVER_BOX:g}'],
                'linear alone': right([crops.sampled_singly(sample) for sample in samples])}
    net = None if detector.landmarks_follow_roll else LandmarkNet.if_installed()
    turning = {}
    for degrees in (0, 15, 30):
        turned = [crops.rolled(sample, degrees, detector, net) for sample in samples]
        labels = np.array([one.emotion for one in turned if one])
        for name, level in (('upright square', False), ('eyes level', True)):
            images = [align_face(one.photo, one.box, one.landmarks if level else None)
                      for one in turned if one]
            turning[f'{degrees} degrees, {name}'] = right(images, labels)
    spoiled = [(damage, *crops.damaged(sample, damage), sample.emotion)
               for sample in samples for damage in crops.DAMAGES]
    spoiled += [(f'face {side} px', *crops.shrunk(sample, side), sample.emotion)
                for sample in samples for side in (12, 16, 24, 32)]
    hits = (read([image for _, image, _, _ in spoiled]).argmax(axis=1)
            == np.array([emotion for *_, emotion in spoiled]))
    worth = np.array([quality for _, _, quality, _ in spoiled])
    kinds = np.array([kind for kind, *_ in spoiled])
    quality = {}
    for low, high in zip(crops.QUALITIES, crops.QUALITIES[1:]):
        chosen_ones = (worth >= low) & (worth < high)
        if chosen_ones.any():
            quality[f'{low:g}-{min(high, 1):g}'] = (float(hits[chosen_ones].mean()),
                                                    int(chosen_ones.sum()))
    damage = {kind: (float(hits[kinds == kind].mean()), float(worth[kinds == kind].mean()))
              for kind in dict.fromkeys(kinds.tolist())}
    figures = {'detector': detector.description, 'model': classifier.name, 'faces': len(samples),
               'framing': framing, 'sampling': sampling, 'turning': turning,
               'by_quality': quality, 'by_damage': damage}
    page = Page('Crops')
    page.paragraph(f'{classifier.name} on {len(samples)} faces found by {detector.description}.')
    for title, head, rows in (
            ('Side of the crop over side of the box', ('', 'right', 'confidence'), framing),
            ('Sampling', ('', 'right', 'confidence'), sampling),
            ('Turning rolled faces', ('', 'right', 'confidence'), turning),
            ('Quality', ('quality', 'right', 'crops'), quality),
            ('Damage', ('', 'right', 'quality'), damage)):
        page.show(title, head, [(name, *values) for name, values in rows.items()])
    return figures, page


if __name__ == '__main__':
    sys.exit(main())
