# SPDX-License-Identifier: Apache-2.0
"""Find and read the face of an image with the core alone; print what was found as JSON.

    first_face.py IMAGE [DETECTOR]
"""

import json
import sys

import cv2
from fer_ros.emotions.classification import EmotionClassifier
from fer_ros.emotions.labels import LABELS
from fer_ros.faces.detection import create_detector
from fer_ros.faces.face_finder import FaceFinder
from fer_ros.faces.tracking import FaceTracker
import numpy as np

image = cv2.imread(sys.argv[1])
classifier = EmotionClassifier()
detector = create_detector(sys.argv[2] if len(sys.argv) > 2 else 'auto')
finder = FaceFinder(detector, FaceTracker(), crop_side_px=classifier.input_side_px)
for stamp_s in (0.0, 0.1):  # a doubtful face is only followed when it is found again
    faces = finder.process(image, stamp_s)
probabilities = classifier.classify(np.stack([face.crop for face in faces]))
print(json.dumps({
    'detector': detector.name, 'description': finder.description, 'numpy': np.__version__,
    'opencv': cv2.__version__, 'python': sys.version.split()[0],
    'faces': [{
        'score': round(float(face.score), 3),
        'box': [round(float(value), 1) for value in (face.box.x, face.box.y, face.box.width,
                                                     face.box.height)],
        'label': LABELS[int(row.argmax())], 'probabilities': [round(float(p), 4) for p in row],
    } for face, row in zip(faces, probabilities)]}))
