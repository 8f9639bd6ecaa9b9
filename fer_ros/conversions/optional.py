# SPDX-License-Identifier: Apache-2.0
"""Conversions to messages of optional packages.

:data:`hri`, :data:`vision` and :data:`tf2` are the ``msg`` modules of hri_msgs, vision_msgs and
tf2_msgs, or None.
"""

from collections.abc import Sequence
import os

from fer_ros.emotions.labels import Emotion, LABELS, UNCERTAIN
from fer_ros.errors import ConfigurationError, ImageError
from fer_ros.types import BoundingBox, Face, FaceEmotion
import numpy as np
from std_msgs.msg import Header

try:
    import hri_msgs.msg as hri
except ImportError:
    hri = None
try:
    import vision_msgs.msg as vision
except ImportError:
    vision = None
try:
    import tf2_msgs.msg as tf2
except ImportError:
    tf2 = None

#: Our labels as names of hri_msgs/Expression; uncertain has none and is left empty.
HRI_EXPRESSIONS = {
    'angry': 'angry', 'disgust': 'disgusted', 'fear': 'scared', 'happy': 'happy', 'sad': 'sad',
    'surprise': 'surprised', 'neutral': 'neutral', UNCERTAIN: ''}
#: Index in hri_msgs/FacialLandmarks of each of ours, in the order of
#: :data:`fer_ros.types.LANDMARKS`: theirs have the person's left and right, ours the image's.
HRI_LANDMARKS = (68, 69, 30, 48, 54)
_HRI_LANDMARK_COUNT = 70
#: Points of MediaPipe's face mesh; after them our message has five of each iris.
MESH_POINTS = 468
#: Index in the face mesh of each of the first 68 landmarks of hri_msgs (those of iBUG 300-W): jaw,
#: brows, nose, eyes, outer and inner lips, each from the person's right to the left.
HRI_FROM_MESH = (
    127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87)


def require(module: object, package: str) -> None:
    """Raise an error if an optional package is not installed.

    :raises ConfigurationError: with how to install it.
    """
    if module is None:
        apt = f'ros-{os.environ.get("ROS_DISTRO", "<distro>")}-{package.replace("_", "-")}'
        raise ConfigurationError(
            f'{package} is not installed: apt install {apt}, then start this node again; '
            'every other node works without it')


def faces_to_ids(ids: Sequence[str], header: Header):
    """Return the list of tracked faces as hri_msgs/IdsList."""
    return hri.IdsList(header=header, ids=list(ids))


def face_to_roi(face: Face, header: Header, width: int, height: int):
    """Return a face's box as hri_msgs/NormalizedRegionOfInterest2D."""
    box = face.box.clipped(width, height)
    return hri.NormalizedRegionOfInterest2D(
        header=header, xmin=box.x / width, ymin=box.y / height, xmax=(box.x + box.width) / width,
        ymax=(box.y + box.height) / height, c=float(face.score))


def roi_to_box(message, width: int, height: int) -> BoundingBox:
    """Return a normalized region as a box in an image of the given size.

    :raises ImageError: when it is not finite or not a region.
    """
    edges = np.array([message.xmin, message.ymin, message.xmax, message.ymax], np.float64)
    if not np.isfinite(edges).all() or edges[2] <= edges[0] or edges[3] <= edges[1]:
        raise ImageError(f'the region {edges.tolist()} is empty or not finite')
    x0, y0, x1, y1 = edges.clip(0, 1) * (width, height, width, height)
    return BoundingBox(x0, y0, x1 - x0, y1 - y0)


def face_to_landmarks(face: Face, header: Header, width: int, height: int):
    """Return a face's landmarks as hri_msgs/FacialLandmarks; missing ones have c = 0."""
    points = [hri.NormalizedPointOfInterest2D() for _ in range(_HRI_LANDMARK_COUNT)]
    if face.landmarks is not None:
        for index, (x, y) in zip(HRI_LANDMARKS, face.landmarks):
            points[index].x = float(np.clip(x / width, 0, 1))
            points[index].y = float(np.clip(y / height, 0, 1))
            points[index].c = float(face.score)
    return hri.FacialLandmarks(header=header, landmarks=points, height=height, width=width)


def mesh_to_landmarks(points: np.ndarray, header: Header, width: int, height: int):
    """Return dense landmarks as hri_msgs/FacialLandmarks, all of them with c = 1.

    :param points: float ``(478, 2)`` pixels, see FaceAttention.msg.
    """
    pupils = points[[MESH_POINTS, MESH_POINTS + 5]]
    chosen = np.concatenate([points[list(HRI_FROM_MESH)], pupils]) / (width, height)
    return hri.FacialLandmarks(header=header, height=height, width=width, landmarks=[
        hri.NormalizedPointOfInterest2D(x=float(x), y=float(y), c=1.0)
        for x, y in chosen.clip(0, 1)])


def emotion_to_expression(emotion: FaceEmotion, header: Header):
    """Return the emotion of a face as hri_msgs/Expression."""
    return hri.Expression(
        header=header, expression=HRI_EXPRESSIONS[emotion.label], valence=float(emotion.valence),
        arousal=float(emotion.arousal), confidence=float(emotion.confidence))


def emotions_to_detections(emotions: Sequence[FaceEmotion], header: Header):
    """Return faces and their emotions as vision_msgs/Detection2DArray.

    Each face has one hypothesis per emotion, the likeliest first, with the probabilities of its
    state over time; its id is the track id.
    """
    message = vision.Detection2DArray(header=header)
    for emotion in emotions:
        detection = vision.Detection2D(header=header, id=str(emotion.track_id))
        detection.bbox.center.position.x, detection.bbox.center.position.y = emotion.box.center
        detection.bbox.size_x = float(emotion.box.width)
        detection.bbox.size_y = float(emotion.box.height)
        for index in np.argsort(-np.asarray(emotion.filtered), kind='stable'):
            hypothesis = vision.ObjectHypothesisWithPose()
            hypothesis.hypothesis.class_id = LABELS[Emotion(index)]
            hypothesis.hypothesis.score = float(emotion.filtered[index])
            detection.results.append(hypothesis)
        message.detections.append(detection)
    return message
