# SPDX-License-Identifier: Apache-2.0
"""Conversions between face and emotion messages and dataclasses."""

from collections.abc import Sequence

from builtin_interfaces.msg import Duration
from fer_ros.conversions.images import bgr_to_image, image_to_array
from fer_ros.emotions.labels import Emotion as EmotionClass
from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.errors import ImageError, shown
from fer_ros.msg import Emotion as EmotionMsg
from fer_ros.msg import EmotionArray, FaceArray
from fer_ros.msg import Face as FaceMsg
from fer_ros.types import BoundingBox, Face, FaceEmotion, LANDMARKS
from geometry_msgs.msg import Point32
import numpy as np
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

#: Maximum number of faces read from one message; no camera sees more.
MAXIMUM_FACES = 256


def box_to_roi(box: BoundingBox) -> RegionOfInterest:
    """Return a box inside the image as a region, in whole pixels."""
    x0, y0 = round(box.x), round(box.y)
    return RegionOfInterest(x_offset=x0, y_offset=y0, width=round(box.x + box.width) - x0,
                            height=round(box.y + box.height) - y0)


def roi_to_box(roi: RegionOfInterest) -> BoundingBox:
    """Return a region as a box."""
    return BoundingBox(float(roi.x_offset), float(roi.y_offset), float(roi.width),
                       float(roi.height))


def faces_to_message(faces: list[Face], header: Header, image_width: int, image_height: int,
                     detector: str, color_encoding: str = 'bgr8') -> FaceArray:
    """Return the faces of one image as a message.

    :param faces: faces with boxes inside the image, see :class:`~fer_ros.types.Face`.
    :param color_encoding: encoding of color crops, 'bgr8' or 'rgb8'; gray ones are mono8.
    """
    message = FaceArray(header=header, image_width=image_width, image_height=image_height,
                        detector=detector)
    for face in faces:
        landmarks = [] if face.landmarks is None else [
            Point32(x=float(x), y=float(y), z=0.0) for x, y in face.landmarks]
        item = FaceMsg(track_id=face.track_id, score=float(face.score), detected=face.detected,
                       roi=box_to_roi(face.box),
                       landmarks=landmarks, quality=float(face.quality))
        if face.crop is not None:
            item.crop = bgr_to_image(
                face.crop, 'mono8' if face.crop.ndim == 2 else color_encoding, header)
        message.faces.append(item)
    return message


def message_to_faces(message: FaceArray, problems: list[str] | None = None) -> list[Face]:
    """Return the faces of a message; one that cannot be read is skipped.

    :param problems: takes a sentence for each face that is skipped.
    """
    faces, problems = [], [] if problems is None else problems
    for item in _first(message.faces, problems):
        landmarks, crop = None, None
        if not np.isfinite((item.score, item.quality)).all():
            problems.append(f'face {item.track_id} skipped: score or quality is not finite')
            continue
        if item.landmarks:
            landmarks = np.array([(p.x, p.y) for p in item.landmarks], np.float32)
            if len(landmarks) != len(LANDMARKS) or not np.isfinite(landmarks).all():
                landmarks = None
        if item.crop.width:
            try:
                crop = image_to_array(item.crop)
            except ImageError as error:
                problems.append(f'face {item.track_id} skipped: its crop: {error}')
                continue
        faces.append(Face(item.track_id, roi_to_box(item.roi), item.score, landmarks,
                          item.detected, item.quality, crop))
    return faces


def _first(items: Sequence, problems: list[str]) -> Sequence:
    """Return at most :data:`MAXIMUM_FACES` faces of a message."""
    if len(items) > MAXIMUM_FACES:
        problems.append(f'{len(items)} faces in one message: only the first {MAXIMUM_FACES} are '
                        'taken')
    return items[:MAXIMUM_FACES]


def emotions_to_message(emotions: list[FaceEmotion], header: Header, image_width: int,
                        image_height: int, model: str, label_set: str) -> EmotionArray:
    """Return the emotions of one image as a message."""
    message = EmotionArray(header=header, image_width=image_width, image_height=image_height,
                           model=model, label_set=label_set)
    for emotion in emotions:
        index = EmotionMsg.UNCERTAIN
        if emotion.label != UNCERTAIN:
            index = int(EmotionClass[emotion.label.upper()])
        nanoseconds = max(0, round(emotion.duration_s * 1e9))
        message.emotions.append(EmotionMsg(
            track_id=emotion.track_id, roi=box_to_roi(emotion.box),
            probabilities=np.asarray(emotion.probabilities, np.float32),
            filtered_probabilities=np.asarray(emotion.filtered, np.float32),
            emotion=index, label=emotion.label, confidence=float(emotion.confidence),
            quality=float(emotion.quality), valence=float(emotion.valence),
            arousal=float(emotion.arousal), onset=emotion.onset,
            state_duration=Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)))
    return message


def message_to_emotions(message: EmotionArray,
                        problems: list[str] | None = None) -> list[FaceEmotion]:
    """Return the emotions of a message; a face with a number that is not finite is skipped.

    :param problems: takes a sentence for each face that is skipped.
    """
    emotions, problems = [], [] if problems is None else problems
    for item in _first(message.emotions, problems):
        probabilities = np.array(item.probabilities, np.float32)
        filtered = np.array(item.filtered_probabilities, np.float32)
        figures = (item.confidence, item.quality, item.valence, item.arousal)
        if not (np.isfinite(probabilities).all() and np.isfinite(filtered).all()
                and np.isfinite(figures).all()):
            problems.append(f'face {item.track_id} skipped: a number is not finite')
            continue
        if item.label not in LABELS and item.label != UNCERTAIN:
            problems.append(f'face {item.track_id} skipped: unknown label {shown(item.label)}')
            continue
        duration_s = item.state_duration.sec + item.state_duration.nanosec * 1e-9
        emotions.append(FaceEmotion(
            track_id=item.track_id, box=roi_to_box(item.roi), probabilities=probabilities,
            filtered=filtered, label=item.label, confidence=item.confidence, quality=item.quality,
            valence=item.valence, arousal=item.arousal, duration_s=duration_s, onset=item.onset))
    return emotions
