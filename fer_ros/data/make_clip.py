# SPDX-License-Identifier: Apache-2.0
"""Create ``demo.mp4`` beside this file from a public-domain portrait (requires scikit-image)."""

import sys

import cv2
from fer_ros.data import demo_clip_path
from fer_ros.faces.detection import create_detector
import numpy as np

WIDTH_PX, HEIGHT_PX, RATE_HZ, LENGTH_S = 640, 480, 30, 19.0

#: Times at which the expression changes, the person leaves and comes back, seconds.
TURN_S, LEAVE_S, RETURN_S = 4.0, 8.0, 14.6


def main() -> int:
    """Write the clip."""
    import skimage.data
    portrait = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    face = create_detector().detect(portrait)[0]
    sad = saddened(portrait, face.landmarks)
    mask = _mask(portrait.shape)
    room = _room()
    path = str(demo_clip_path())
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'), RATE_HZ,
                             (WIDTH_PX, HEIGHT_PX))
    if not writer.isOpened():
        print(f'{path} cannot be written with this OpenCV', file=sys.stderr)
        return 1
    eyes = face.landmarks[:2].mean(axis=0)
    for i in range(round(LENGTH_S * RATE_HZ)):
        t = i / RATE_HZ
        sadness = _ramp(t, TURN_S, 0.7) if t < LEAVE_S + 2 else 0.0
        person = cv2.addWeighted(portrait, 1 - sadness, sad, sadness, 0)
        writer.write(_placed(room, person, mask, eyes, t))
    writer.release()
    print(f'{path}: {demo_clip_path().stat().st_size / 2**20:.2f} MiB')
    return 0


def saddened(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return the portrait with a closed mouth whose corners hang, and raised inner brows.

    :param landmarks: float ``(5, 2)`` as of :data:`fer_ros.types.LANDMARKS`, pixels.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = landmarks
    unit = right_eye[0] - left_eye[0]
    center = (left_mouth + right_mouth) / 2
    out = _closed_mouth(image, center, right_mouth[0] - left_mouth[0], unit, bend=0.18)
    moves = []
    for eye, side in ((left_eye, 1), (right_eye, -1)):
        moves.append((eye[0] + side * 0.25 * unit, eye[1] - 0.28 * unit, -0.14 * unit))
        moves.append((eye[0] - side * 0.20 * unit, eye[1] - 0.25 * unit, 0.10 * unit))
    y, x = np.mgrid[:image.shape[0], :image.shape[1]].astype(np.float32)
    source_y = y.copy()
    for center_x, center_y, shift in moves:
        squared = (x - center_x) ** 2 + (y - center_y) ** 2
        source_y -= np.exp(-squared / (2 * (0.18 * unit) ** 2)) * shift
    return cv2.remap(out, x, source_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def _closed_mouth(image: np.ndarray, center: np.ndarray, mouth_width: float, unit: float,
                  bend: float) -> np.ndarray:
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(mask, (int(center[0]), int(center[1] + 0.10 * unit)),
                (int(mouth_width * 0.68), int(0.36 * unit)), 0, 0, 360, 255, cv2.FILLED)
    out = cv2.inpaint(image, mask, 5, cv2.INPAINT_TELEA)
    soft = cv2.GaussianBlur(mask, (0, 0), 2)[..., None] / 255
    out = (out * (1 - soft) + cv2.GaussianBlur(out, (0, 0), 3) * soft).astype(np.uint8)
    zoom = 4  # the lips are drawn enlarged, then scaled down, for smooth edges
    canvas = cv2.resize(out, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    t = np.linspace(-1, 1, 41)
    points = np.stack([center[0] + t * mouth_width * 0.425,
                       center[1] + 0.08 * unit + bend * unit * (t ** 2 - 0.4)], axis=1)
    # Lower lip, upper lip, the line between them: color, offset and thickness in eye distances.
    for color, offset, thickness in (((95, 95, 170), 0.035, 0.13), ((80, 80, 150), -0.03, 0.10),
                                     ((45, 40, 75), 0.0, 0.035)):
        line = np.round((points + [0, offset * unit]) * zoom).astype(int)
        for k in range(len(line) - 1):
            taper = 1 - abs(2 * (k + 0.5) / (len(line) - 1) - 1) ** 2.5
            cv2.line(canvas, line[k].tolist(), line[k + 1].tolist(), color,
                     max(1, int(thickness * unit * zoom * taper)), cv2.LINE_AA)
    canvas = cv2.GaussianBlur(canvas, (0, 0), zoom * 0.7)
    return cv2.resize(canvas, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_AREA)


def _mask(shape: tuple[int, ...]) -> np.ndarray:
    """Return float ``(h, w)``: head and shoulders of the portrait, feathered."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.ellipse(mask, (222, 95), (84, 112), 0, 0, 360, 255, cv2.FILLED)
    shoulders = np.array([[150, 175], [300, 175], [470, 300], [470, 511], [30, 511], [50, 290]])
    cv2.fillPoly(mask, [shoulders], 255)
    return cv2.GaussianBlur(mask, (0, 0), 7).astype(np.float32) / 255


def _room() -> np.ndarray:
    y = np.linspace(0, 1, HEIGHT_PX)[:, None, None]
    room = np.repeat(np.array([150, 165, 175]) * (1 - 0.35 * y), WIDTH_PX, axis=1)
    room = room.astype(np.uint8)
    cv2.rectangle(room, (430, 60), (600, 230), (205, 195, 175), cv2.FILLED)
    for line in (((515, 60), (515, 230)), ((430, 145), (600, 145))):
        cv2.line(room, *line, (120, 120, 125), 5)
    cv2.rectangle(room, (40, 300), (190, 480), (80, 95, 120), cv2.FILLED)
    return cv2.GaussianBlur(room, (0, 0), 2.5)


def _placed(room: np.ndarray, person: np.ndarray, mask: np.ndarray, eyes: np.ndarray,
            t: float) -> np.ndarray:
    away = 700 * (_ramp(t, LEAVE_S, 1.5) - _ramp(t, RETURN_S, 1.5))
    center = np.array([300 + 45 * np.sin(0.9 * t) + away, 190 + 14 * np.sin(1.7 * t)])
    scale = 1.0 + 0.12 * np.sin(0.6 * t + 1)
    angle = np.deg2rad(8 * np.sin(0.8 * t))
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([linear, center - linear @ eyes])
    size = (WIDTH_PX, HEIGHT_PX)
    layer = cv2.warpAffine(person, matrix, size, flags=cv2.INTER_LINEAR,
                           borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(mask, matrix, size)[..., None]
    return (room * (1 - alpha) + layer * alpha).astype(np.uint8)


def _ramp(t: float, start: float, length: float) -> float:
    x = min(max((t - start) / length, 0.0), 1.0)
    return x * x * (3 - 2 * x)


if __name__ == '__main__':
    raise SystemExit(main())
