# SPDX-License-Identifier: Apache-2.0
"""fer-eval crop: effect of framing, rotation and quality on emotion recognition."""

import argparse

from fer_ros.attention.mesh import FaceMesher
from fer_ros.cli.evaluate_faces import add_detector, detector_of
from fer_ros.emotions.classification import EmotionClassifier
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation import crops
from fer_ros.evaluation.page import Page
from fer_ros.faces.alignment import align_face, CROP_OVER_BOX
from fer_ros.faces.detection.mtcnn import LandmarkNet
import numpy as np


def add_commands(commands) -> list[argparse.ArgumentParser]:
    """Add the command to ``fer-eval`` and return it."""
    crop = commands.add_parser('crop', help='framing, rotation and quality, on labeled faces')
    crop.add_argument('csv', metavar='CSV', help="FER2013's file; its last rows are used")
    crop.add_argument('--model', default='', metavar='FILE',
                      help='emotion model; empty: the shipped one')
    crop.add_argument('--faces', type=int, default=800, metavar='N', help='rows (%(default)s)')
    crop.set_defaults(run=_crop)
    add_detector(crop)
    return [crop]


def _crop(chosen: argparse.Namespace) -> tuple[dict, Page]:
    if chosen.faces < 1:
        raise ConfigurationError(f'--faces is {chosen.faces}: it must be 1 or more')
    detector = detector_of(chosen)
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
    turning, mesher = {}, FaceMesher.if_installed()
    for degrees in (0, 15, 30):
        turned = [crops.rolled(sample, degrees, detector, net) for sample in samples]
        labels = np.array([one.emotion for one in turned if one])
        for name, level in (('upright square', False), ('eyes level', True)):
            images = [align_face(one.photo, one.box, one.landmarks if level else None)
                      for one in turned if one]
            turning[f'{degrees} degrees, {name}'] = right(images, labels)
        if mesher is not None:
            turning[f'{degrees} degrees, eyes level by dense landmarks'] = right(
                [crops.dense(one, mesher) for one in turned if one], labels)
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
            ('Leveling rolled faces', ('', 'right', 'confidence'), turning),
            ('Quality', ('quality', 'right', 'crops'), quality),
            ('Damage', ('', 'right', 'quality'), damage)):
        page.show(title, head, [(name, *values) for name, values in rows.items()])
    return figures, page
