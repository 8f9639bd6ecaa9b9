# SPDX-License-Identifier: Apache-2.0
"""Histograms of oriented gradients (N. Dalal, B. Triggs, CVPR 2005) of the pictures of eyes.

They are computed once for each picture, for the gaze and for what covers an eye.
"""

import cv2
import numpy as np

#: Side of an eye's picture, pixels.
SIDE = 64
#: Blocks of four cells in each direction, every 8 pixels, and directions of a gradient.
BLOCKS, CELLS, DIRECTIONS = 7, 4, 12
# Cells of 8 x 8 pixels; dark to bright and bright to dark are different directions: the iris is
# darker than what is around it.
_HISTOGRAMS = cv2.HOGDescriptor((SIDE, SIDE), (16, 16), (8, 8), (8, 8), DIRECTIONS, 1, -1,
                                cv2.HOGDescriptor_L2Hys, 0.2, False,
                                cv2.HOGDescriptor_DEFAULT_NLEVELS, True)


def eye_histograms(pictures: np.ndarray) -> np.ndarray:
    """Return the histograms of pictures, float32 ``(n, BLOCKS, BLOCKS, CELLS, DIRECTIONS)``.

    :param pictures: uint8 ``(n, 64, 64)``, gray.
    :returns: first by the blocks' columns, then by their rows; each block has length 1 or less.
    """
    return np.stack([_HISTOGRAMS.compute(picture) for picture in pictures]).reshape(
        len(pictures), BLOCKS, BLOCKS, CELLS, DIRECTIONS)
