# SPDX-License-Identifier: Apache-2.0
"""fer-eval gaze: evaluate head pose, gaze, blinks and attention."""

import argparse
from pathlib import Path

from fer_ros.attention.drawing import draw_axes, draw_gaze
from fer_ros.attention.gaze import angle_between_deg, direction_of
from fer_ros.attention.head import load_model
from fer_ros.attention.mesh import FaceMesher
from fer_ros.cameras.encoded import read_image
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation import gaze
from fer_ros.evaluation.heads import read_camera
from fer_ros.evaluation.page import Page
from fer_ros.faces.detection import create_detector, DETECTORS
import numpy as np

_PICTURES = 12
_READ, _TRUE = (0, 140, 255), (60, 200, 60)
_NAMES = {
    'images': 'images', 'yaw': 'yaw of the head, mean error (degrees)',
    'pitch': 'pitch of the head', 'pitch_less_constant': "pitch minus each person's constant",
    'roll': 'roll of the head', 'gaze': 'gaze, mean angle (degrees)',
    'gaze_less_constant': "gaze minus each person's constant",
    'looks_f1_stills': 'looks at the camera, F1, stills',
    'looks_f1_videos': 'looks at the camera, F1, videos', 'blink_f1': 'blinks, F1',
    'closed_f1': f'eyes closed for {gaze.CLOSED_S:g} s and more, F1',
    'attention_delay_s': 'delay of a reported turn away or back (s, mean)',
    'ms_per_face': 'CPU time per face and reading (ms)'}


def add_commands(commands) -> list[argparse.ArgumentParser]:
    """Add the command to ``fer-eval`` and return it, in a list."""
    command = commands.add_parser('gaze', help='rendered heads: head pose, gaze, attention')
    command.add_argument('folder', metavar='DIR', help='contains camera.json, poses.csv, '
                         'gaze.csv, their images, and videos/attention_*.mp4 with a .csv each')
    command.add_argument('--rate-hz', type=float, default=8.0, metavar='N', help='readings of '
                         "the videos per second (%(default)g, the node's)")
    command.add_argument('--model', default='', metavar='FILE', help='the generic head and its '
                         'corrections; empty: the shipped ones')
    command.add_argument('--detector', default=DETECTORS[0], choices=DETECTORS)
    command.set_defaults(run=run)
    return [command]


def run(chosen: argparse.Namespace) -> tuple[dict, Page]:
    """Measure a folder; return the metrics and the page."""
    if not chosen.rate_hz > 0:
        raise ConfigurationError(f'--rate-hz is {chosen.rate_hz:g}: it must be more than 0')
    model = load_model(Path(chosen.model)) if chosen.model else load_model()
    return measure(Path(chosen.folder), chosen.detector, lambda people: model, chosen.rate_hz)


def measure(folder: Path, detector_name: str, model_of: gaze.ModelOf,
            rate_hz: float) -> tuple[dict, Page]:
    """Measure a folder with a model for each set of people; return the metrics and the page."""
    detector, mesher, cost = create_detector(detector_name), FaceMesher(), gaze.Cost()
    stills = list(gaze.read_heads(folder, detector, mesher, model_of))
    watched = list(gaze.watch(folder, detector, mesher, model_of, rate_hz, cost))
    figures = gaze.figures(stills, watched, cost)
    page = Page('Head pose, gaze and attention')
    people = sorted({still.truth.person for still in stills})
    page.paragraph(
        f'{len(people)} rendered heads ({", ".join(people)}), faces by {detector.description}. '
        'They reveal wrong signs, frames, offsets and timing; they do not measure accuracy on '
        'real people.')
    page.show('Figures', ('', 'value'), [(_NAMES[name], value) for name, value in figures.items()])
    page.show('By person', ('person', 'yaw', 'pitch', 'roll', 'gaze', 'constant: yaw', 'pitch'),
              [(person, *_of_person([s for s in stills if s.truth.person == person]))
               for person in people])
    if watched:
        page.show('Videos', ('video, person', 'delay (s)', 'correct (share)'),
                  [(f'{one.video}, {one.person}', float(np.mean(gaze.delays_s(one) or [0])),
                    _right(one)) for one in watched])
    page.heading('Where the head is worst')
    page.paragraph('Axes of the estimated head: x red, y green, z blue.')
    camera = read_camera(folder)
    poses = [still for still in stills if still.table == 'poses']
    for still in sorted(poses, key=lambda s: -np.abs(s.error_deg).max())[:_PICTURES]:
        image = read_image(folder / still.file)
        draw_axes(image, still.pose.rotation, still.pose.position_m, camera)
        yaw, pitch, roll = still.error_deg
        page.picture(image, f'{still.file}: yaw {yaw:+.1f}, pitch {pitch:+.1f}, roll {roll:+.1f}')
    page.heading('Where the gaze is worst')
    page.paragraph('Green: true gaze; orange: estimated.')
    gazes = [still for still in stills if still.table == 'gaze']
    for still in sorted(gazes, key=lambda s: -_missed_deg(s))[:_PICTURES]:
        image = read_image(folder / still.file)
        for direction, color in ((still.truth.gaze, _TRUE),
                                 (direction_of(still.gaze_deg), _READ)):
            draw_gaze(image, direction, still.pose.position_m, camera, color)
        page.picture(image, f'{still.file}: {_missed_deg(still):.1f} degrees')
    return figures, page


def _missed_deg(still: gaze.Still) -> float:
    return float(angle_between_deg(direction_of(still.gaze_deg), still.truth.gaze))


def _of_person(stills: list[gaze.Still]) -> tuple[float, ...]:
    poses = [still.error_deg for still in stills if still.table == 'poses']
    gazes = [still for still in stills if still.table == 'gaze']
    constant = np.mean([still.gaze_deg - still.truth_deg for still in gazes], axis=0)
    return (*np.abs(poses).mean(axis=0).tolist(),
            float(np.mean([_missed_deg(still) for still in gazes])), *constant.tolist())


def _right(one: gaze.Watched) -> float:
    return float(np.mean([(state == gaze.CAMERA) == looks
                          for state, looks in zip(one.states, one.looks)]))
