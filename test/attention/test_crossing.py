# SPDX-License-Identifier: Apache-2.0
"""Two people who pass each other, one in front: neither gets the other's state or identity."""

from conftest import read
import cv2
from fer_ros.attention.stream import AttentionStream
from fer_ros.cameras.encoded import read_image
from fer_ros.evaluation.heads import read_camera
from fer_ros.faces.detection import create_detector
from fer_ros.faces.face_finder import FaceFinder
from fer_ros.faces.tracking import FaceTracker
import numpy as np

#: One who looks at the camera and passes in front, and one who looks away.
LOOKS, AWAY = 'images/gaze/h04_29.jpg', 'images/gaze/h02_23.jpg'
FACE_PX, RATE_HZ, SPEED_PX, FROM_PX = 100, 15.0, 22, 110
#: They stand, pass each other, and stand again, frames.
STAND, FRAMES = 6, 32


def cutout(heads, row):
    """Return a head and its opacity, the middle of the face in the middle."""
    x, y, width, height = (float(row[f'box_{name}']) for name in 'xywh')
    scale, side = FACE_PX / width, 2 * FACE_PX
    shift = [side / 2 - scale * (x + width / 2), side / 2 - scale * (y + height / 2)]
    picture = cv2.warpAffine(read_image(heads / row['file']), np.array(
        [[scale, 0, shift[0]], [0, scale, shift[1]]]), (side, side), flags=cv2.INTER_AREA)
    opacity = np.zeros((side, side), np.float32)
    cv2.ellipse(opacity, (side // 2, side // 2), (side * 3 // 8, side // 2 - 6), 0, 0, 360, 1, -1)
    return picture, cv2.GaussianBlur(opacity, (0, 0), 3)[..., None]


def test_neither_state_nor_identity_passes_over(mesher, heads):
    heads_of = {row['file']: cutout(heads, row) for row in read(heads / 'gaze.csv')
                if row['file'] in (LOOKS, AWAY)}
    finder = FaceFinder(create_detector(), FaceTracker(), crop_side_px=0)
    camera, stream = read_camera(heads), AttentionStream(mesher)
    states, tracks = {LOOKS: [], AWAY: []}, {LOOKS: set(), AWAY: set()}
    for i in range(FRAMES):
        x = FROM_PX + SPEED_PX * min(max(0, i - STAND), (640 - 2 * FROM_PX) // SPEED_PX)
        places = {AWAY: 640 - x, LOOKS: x}
        image = np.full((480, 640, 3), (120, 110, 100), np.float32)
        for name, place in places.items():
            part = image[140:340, place - FACE_PX:place + FACE_PX]
            picture, opacity = heads_of[name]
            part += opacity * (picture - part)
        image = image.astype(np.uint8)
        faces = finder.process(image, i / RATE_HZ)
        if i % 2:
            continue
        readings = stream.update(i / RATE_HZ, image, faces, camera)
        assert len(readings) == 2
        apart = abs(places[LOOKS] - places[AWAY]) > FACE_PX
        for reading in readings:
            name = min(places, key=lambda one: abs(
                places[one] - reading.head.face.box.center[0]))
            if apart:
                tracks[name].add(reading.head.face.track_id)
                states[name].append(reading.attention.state)
            assert reading.attention.state in ('camera', 'away', 'unknown')
    assert [len(ids) for ids in tracks.values()] == [1, 1] and tracks[LOOKS] != tracks[AWAY]
    assert set(states[LOOKS]) == {'camera'}
    assert set(states[AWAY]) == {'away'}
