# SPDX-License-Identifier: Apache-2.0
"""Test frames: the demo clip's face, any number of times, on frames of any size."""

import cv2
from fer_ros.cameras.sources import open_source
from fer_ros.data import demo_clip_path
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection import create_detector
import numpy as np


def portrait() -> np.ndarray:
    """Return the largest face in the demo clip with a margin, uint8 ``(h, w, 3)`` BGR."""
    detector = create_detector()
    clip = open_source(str(demo_clip_path()))
    best, best_width = None, 0.0
    try:
        for _ in range(90):
            frame = clip.read()
            if frame is None:
                break
            for found in detector.detect(frame):
                if found.box.width > best_width:
                    best_width = found.box.width
                    box = found.box
                    margin = box.width * 0.6
                    x0, y0 = int(max(0, box.x - margin)), int(max(0, box.y - margin))
                    x1, y1 = int(box.x + box.width + margin), int(box.y + box.height + margin)
                    best = frame[y0:y1, x0:x1].copy()
    finally:
        clip.close()
    if best is None:
        raise ConfigurationError(f'no face in the first frames of {demo_clip_path()}')
    return best


def sequence(width: int, height: int, faces: int, count: int = 30) -> list[np.ndarray]:
    """Return frames in which ``faces`` faces drift by a few pixels over a textured background.

    :returns: ``count`` frames, uint8 ``(height, width, 3)`` BGR; the drift closes, so that the
        list can be played in a loop without a jump.
    """
    face = portrait()
    columns = max(1, int(np.ceil(np.sqrt(faces * width / height))))
    rows = max(1, -(-faces // columns))
    cell_width, cell_height = width // columns, height // rows
    side = int(min(cell_width, cell_height) * 0.86)
    tile = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    generator = np.random.default_rng(0)
    coarse = generator.integers(40, 120, (height // 40 + 1, width // 40 + 1, 3), dtype=np.uint8)
    background = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    frames = []
    for i in range(count):
        frame = background.copy()
        angle = 2 * np.pi * i / count
        slack_x, slack_y = (cell_width - side) // 2, (cell_height - side) // 2
        for k in range(faces):
            x = (k % columns) * cell_width + slack_x + round(slack_x * 0.6 * np.sin(angle + k))
            y = (k // columns) * cell_height + slack_y + round(slack_y * 0.6 * np.cos(angle + k))
            frame[y:y + side, x:x + side] = tile
        frames.append(frame)
    return frames
