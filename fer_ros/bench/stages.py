# SPDX-License-Identifier: Apache-2.0
"""Time each processing step of a frame, and all steps together without ROS."""

from contextlib import contextmanager

import cv2
from fer_ros.bench import measure
from fer_ros.emotions.classification import choose
from fer_ros.emotions.emotion_filter import EmotionFilter
from fer_ros.faces.alignment import align_face
from fer_ros.faces.detection import create_detector
from fer_ros.faces.face_finder import DETECT_EVERY, FaceFinder
from fer_ros.faces.tracking import FaceTracker
import numpy as np


class CorePipeline:
    """The nodes' work as direct calls: image in, emotions out."""

    def __init__(self, detect_every: int = DETECT_EVERY):
        self.detector = create_detector()
        self.finder = FaceFinder(self.detector, FaceTracker(), detect_every=detect_every)
        self.classifier = choose().classifier
        self.filter = EmotionFilter.of(self.classifier)
        self._frame = 0

    def __call__(self, image: np.ndarray) -> list:
        """Return the emotions of the next frame of a 30 Hz stream."""
        self._frame += 1
        stamp_s = self._frame / 30
        faces = self.finder.process(image, stamp_s)
        if not faces:
            return self.filter.update(stamp_s, [])
        rows = self.classifier.classify(np.stack([face.crop for face in faces]))
        return self.filter.update(stamp_s, list(zip(faces, rows)))


@contextmanager
def threads_of_nodes():
    """Use as many of OpenCV's threads as the nodes do."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def looped(frames: list):
    """Return a function that returns the next frame at each call, in a loop."""
    position = [-1]

    def following():
        position[0] = (position[0] + 1) % len(frames)
        return frames[position[0]]
    return following


def core_stages(frames_by_faces: dict[int, list[np.ndarray]]) -> dict[str, dict]:
    """Time the steps that need no ROS, on 640x480 frames by number of faces."""
    pipeline = CorePipeline()
    one = frames_by_faces[1]
    following = looped(one)
    rows = {'detection, 1 face': measure.stage(lambda: pipeline.detector.detect(following()))}
    found = pipeline.detector.detect(one[0])[0]
    rows['alignment, 1 face'] = measure.stage(
        lambda: align_face(one[0], found.box, found.landmarks, 48))
    for count in (1, 8):
        if count in frames_by_faces:
            detections = pipeline.detector.detect(frames_by_faces[count][0])
            tracker, clock = FaceTracker(), [0.0]

            def track():
                clock[0] += 1 / 30
                return tracker.update(detections, clock[0], (640, 480))
            rows[f'tracking, {count} face{"s" * (count > 1)}'] = measure.stage(track)
    crop = align_face(one[0], found.box, found.landmarks, pipeline.classifier.input_side_px)
    for count in (1, 4, 8, 16):
        crops = np.repeat(crop[None], count, axis=0)
        rows[f'classification, {count} face{"s" * (count > 1)}'] = measure.stage(
            lambda crops=crops: pipeline.classifier.classify(crops))
    faces = pipeline.finder.process(one[0], 0.0) or pipeline.finder.process(one[0], 0.03)
    probabilities = pipeline.classifier.classify(crop[None])[0]
    clock = [0.0]

    def smooth():
        clock[0] += 1 / 30
        return pipeline.filter.update(clock[0], [(faces[0], probabilities)])
    rows['smoothing, 1 face'] = measure.stage(smooth)
    return rows


def message_stages(frame: np.ndarray) -> dict[str, dict]:
    """Time the conversions to and from messages and their serialization."""
    from fer_ros import conversions
    from rclpy.serialization import deserialize_message, serialize_message
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header
    header = Header(frame_id='camera_optical_frame')
    message = conversions.array_to_image(frame, 'bgr8', header)
    raw = serialize_message(message)
    pipeline = CorePipeline()
    for _ in range(3):
        faces = pipeline.finder.process(frame, 0.0)
        emotions = pipeline(frame)
    name, labels = pipeline.classifier.name, pipeline.classifier.label_set
    return {
        'array to image message': measure.stage(
            lambda: conversions.array_to_image(frame, 'bgr8', header)),
        'image message to array': measure.stage(lambda: conversions.image_to_array(message)),
        'image serialized (rclpy)': measure.stage(lambda: serialize_message(message)),
        'image deserialized (rclpy)': measure.stage(lambda: deserialize_message(raw, Image)),
        'faces to message, 1 face': measure.stage(
            lambda: conversions.faces_to_message(faces, header, 640, 480, 'detector')),
        'emotions to message, 1 face': measure.stage(
            lambda: conversions.emotions_to_message(emotions, header, 640, 480, name, labels)),
    }


def whole_way(frames: list[np.ndarray], detect_every: int = DETECT_EVERY) -> dict:
    """Time all steps of a frame without ROS: the minimum of the pipeline's latency."""
    pipeline = CorePipeline(detect_every)
    following = looped(frames)
    with threads_of_nodes():
        return measure.stage(lambda: pipeline(following()), minimum=90)
