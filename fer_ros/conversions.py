# SPDX-License-Identifier: Apache-2.0
"""Between ROS messages and the core's dataclasses: images, faces, emotions.

What the home does is in :mod:`fer_ros.home_conversions`, messages that need other packages are in
:mod:`fer_ros.optional_conversions`; no other module converts.
"""

from array import array
from collections.abc import Iterable

from builtin_interfaces.msg import Duration, Time
import cv2
from fer_ros.core.annotation import COLORS_BGR
from fer_ros.core.camera_model import CameraModel
from fer_ros.core.emotions import Emotion as EmotionClass
from fer_ros.core.emotions import LABELS, UNCERTAIN
from fer_ros.core.encoded import decode, MAXIMUM_PIXELS
from fer_ros.core.errors import FerError, ImageError
from fer_ros.core.types import BoundingBox, Face, FaceEmotion
from fer_ros.msg import Emotion as EmotionMsg
from fer_ros.msg import EmotionArray, FaceArray
from fer_ros.msg import Face as FaceMsg
from geometry_msgs.msg import Point, Point32, Pose, Quaternion, Vector3
import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, RegionOfInterest
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

try:
    import cv_bridge
except (ImportError, SystemError):  # SystemError: it was built for another NumPy
    cv_bridge = None

#: encoding: (channels, bytes a channel, OpenCV conversion to bgr8 or None)
_ENCODINGS = {
    'bgr8': (3, 1, None),
    'rgb8': (3, 1, cv2.COLOR_RGB2BGR),
    'bgra8': (4, 1, cv2.COLOR_BGRA2BGR),
    'rgba8': (4, 1, cv2.COLOR_RGBA2BGR),
    'mono8': (1, 1, None),
    '8UC1': (1, 1, None),
    '8UC3': (3, 1, None),
    'mono16': (1, 2, None),
    '16UC1': (1, 2, None),
    'yuv422_yuy2': (2, 1, cv2.COLOR_YUV2BGR_YUY2),
    'yuv422': (2, 1, cv2.COLOR_YUV2BGR_UYVY),
    'uyvy': (2, 1, cv2.COLOR_YUV2BGR_UYVY),
    'yuyv': (2, 1, cv2.COLOR_YUV2BGR_YUY2),
    'bayer_rggb8': (1, 1, cv2.COLOR_BayerBG2BGR),
    'bayer_bggr8': (1, 1, cv2.COLOR_BayerRG2BGR),
    'bayer_gbrg8': (1, 1, cv2.COLOR_BayerGR2BGR),
    'bayer_grbg8': (1, 1, cv2.COLOR_BayerGB2BGR),
}
ENCODINGS = tuple(_ENCODINGS)

#: What cv_bridge converts as we do; the rest goes our own way where it is installed too.
_CV_BRIDGE_ENCODINGS = ('bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8')


def image_to_array(message: Image, *, use_cv_bridge: bool = cv_bridge is not None) -> np.ndarray:
    """Return the image as the core takes it.

    :returns: uint8 ``(h, w, 3)`` BGR, or ``(h, w)`` for gray encodings. Encodings that need no
        conversion share the message's memory: do not write into it.
    :raises ImageError: for an unknown encoding, a size of zero or beyond
        :data:`MAXIMUM_PIXELS`, or data that is shorter than the size says.
    """
    layout = _ENCODINGS.get(message.encoding)
    if layout is None:
        raise ImageError(f'unknown encoding {message.encoding!r}: expected one of '
                         f'{", ".join(ENCODINGS)}')
    channels, depth, conversion = layout
    width, height = message.width, message.height
    if width == 0 or height == 0:
        raise ImageError(f'the image is {width}x{height} pixels: nothing to see')
    if width * height > MAXIMUM_PIXELS:
        raise ImageError(f'the image is {width}x{height} pixels: more than {MAXIMUM_PIXELS}')
    row_bytes = width * channels * depth
    if message.step < row_bytes:
        raise ImageError(f'step is {message.step} bytes: a row of {width} {message.encoding} '
                         f'pixels has {row_bytes}')
    # The last row need not be padded.
    needed = message.step * (height - 1) + row_bytes
    if len(message.data) < needed:
        raise ImageError(f'truncated: {len(message.data)} bytes of data, {width}x{height} '
                         f'{message.encoding} with step {message.step} needs {needed}')
    if message.encoding.startswith('yuv422') and width % 2:
        raise ImageError(f'the width {width} is odd: {message.encoding} has pairs of pixels')
    # cv_bridge shears rows whose padding is no whole pixel, and where NumPy is 2 it stumbles over
    # a byte order that is not the machine's, though bytes have none.
    if use_cv_bridge and message.encoding in _CV_BRIDGE_ENCODINGS and not message.is_bigendian \
            and message.step % channels == 0 and len(message.data) >= message.step * height:
        wanted = 'mono8' if message.encoding == 'mono8' else 'bgr8'
        return cv_bridge.CvBridge().imgmsg_to_cv2(message, wanted)
    flat = np.frombuffer(message.data, np.uint8)
    rows = np.lib.stride_tricks.as_strided(flat, (height, row_bytes), (message.step, 1),
                                           writeable=False)
    if depth == 2:
        order = '>u2' if message.is_bigendian else '<u2'
        # The upper byte: what a display would show of 16 bits.
        return (np.ascontiguousarray(rows).view(order) >> 8).astype(np.uint8)
    if channels == 1 and conversion is None:
        return rows
    pixels = rows if channels == 1 else rows.reshape(height, width, channels) \
        if rows.flags.c_contiguous else np.lib.stride_tricks.as_strided(
            flat, (height, width, channels), (message.step, channels, 1), writeable=False)
    return pixels if conversion is None else cv2.cvtColor(np.ascontiguousarray(pixels), conversion)


def compressed_to_array(message: CompressedImage) -> np.ndarray:
    """Return a JPEG or PNG image as uint8 ``(h, w, 3)`` BGR.

    :raises ImageError: when it cannot be decoded, or is larger than :data:`MAXIMUM_PIXELS`.
    """
    try:
        return decode(bytes(message.data))
    except ImageError as error:
        raise ImageError(f'compressed image ({message.format!r}): {error}') from error


def array_to_image(image: np.ndarray, encoding: str, header: Header | None = None) -> Image:
    """Return a message of an image that already has the encoding's layout.

    :param image: uint8 ``(h, w)`` or ``(h, w, channels)``.
    """
    channels = 1 if image.ndim == 2 else image.shape[2]
    layout = _ENCODINGS.get(encoding)
    if layout is None or layout[1] != 1 or layout[0] != channels or image.dtype != np.uint8:
        raise ImageError(f'an array of {image.dtype} {image.shape} is no {encoding!r} image')
    message = Image(height=image.shape[0], width=image.shape[1], encoding=encoding,
                    step=image.shape[1] * channels)
    if header is not None:
        message.header = header
    # Assigning bytes or a list would check every element.
    data = array('B')
    data.frombytes(np.ascontiguousarray(image).data)
    message.data = data
    return message


def bgr_to_image(image: np.ndarray, encoding: str, header: Header | None = None) -> Image:
    """Return a message of a BGR image in another encoding.

    :param image: uint8 ``(h, w, 3)`` BGR or ``(h, w)`` gray.
    :param encoding: 'bgr8', 'rgb8', 'mono8', 'bgra8', 'rgba8' or 'yuv422_yuy2' (even width).
    """
    if image.ndim == 2 and encoding != 'mono8':
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    codes = {'rgb8': cv2.COLOR_BGR2RGB, 'mono8': cv2.COLOR_BGR2GRAY,
             'bgra8': cv2.COLOR_BGR2BGRA, 'rgba8': cv2.COLOR_BGR2RGBA}
    if encoding == 'yuv422_yuy2':
        image = _bgr_to_yuy2(image)
    elif encoding in codes and image.ndim == 3:
        image = cv2.cvtColor(image, codes[encoding])
    return array_to_image(image, encoding, header)


def _bgr_to_yuy2(image: np.ndarray) -> np.ndarray:
    if image.shape[1] % 2:
        raise ImageError(f'the width {image.shape[1]} is odd: yuv422_yuy2 has pairs of pixels')
    # ITU-R BT.601 with studio swing, the inverse of OpenCV's COLOR_YUV2BGR_YUY2.
    blue, green, red = (image[..., i].astype(np.float32) for i in range(3))
    luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    u = 128 - 0.148 * red - 0.291 * green + 0.439 * blue
    v = 128 + 0.439 * red - 0.368 * green - 0.071 * blue
    out = np.empty((*image.shape[:2], 2), np.float32)
    out[..., 0] = luma
    out[:, 0::2, 1] = (u[:, 0::2] + u[:, 1::2]) / 2
    out[:, 1::2, 1] = (v[:, 0::2] + v[:, 1::2]) / 2
    return np.rint(out).clip(0, 255).astype(np.uint8)


def camera_to_message(camera: CameraModel, header: Header) -> CameraInfo:
    """Return a camera's intrinsics as a message."""
    return CameraInfo(header=header, width=camera.width_px, height=camera.height_px,
                      distortion_model=camera.distortion_model, d=[float(v) for v in camera.d],
                      k=camera.k.ravel(), r=camera.r.ravel(), p=camera.p.ravel())


def message_to_camera(message: CameraInfo) -> CameraModel | None:
    """Return a camera's intrinsics, or None when the message says that it is not calibrated."""
    if message.k[0] <= 0 or not np.isfinite(message.k).all() or not np.isfinite(message.d).all():
        return None
    return CameraModel(message.width, message.height, np.array(message.k).reshape(3, 3),
                       tuple(message.d), np.array(message.r).reshape(3, 3),
                       np.array(message.p).reshape(3, 4), message.distortion_model)


def depth_to_array(message: Image) -> np.ndarray:
    """Return a depth image (REP-118) as float32 ``(h, w)`` metres, NaN where unknown.

    :raises ImageError: when it is neither 16UC1 (millimetres) nor 32FC1 (metres), or too short.
    """
    kinds = {'16UC1': '2', 'mono16': '2', '32FC1': '4'}
    if message.encoding not in kinds:
        raise ImageError(f'a depth image is 16UC1 or 32FC1, not {message.encoding!r}')
    kind = ('>' if message.is_bigendian else '<') + \
        ('f' if message.encoding == '32FC1' else 'u') + kinds[message.encoding]
    row_bytes = message.width * int(kinds[message.encoding])
    if message.step < row_bytes or len(message.data) < message.step * message.height:
        raise ImageError(f'truncated: {len(message.data)} bytes of depth, {message.width}x'
                         f'{message.height} with step {message.step}')
    rows = np.frombuffer(message.data, np.uint8)[:message.step * message.height]
    rows = np.ascontiguousarray(rows.reshape(message.height, message.step)[:, :row_bytes])
    depth = rows.view(kind).astype(np.float32)
    if message.encoding != '32FC1':
        depth = np.where(depth > 0, depth * np.float32(1e-3), np.float32(np.nan))
    return depth


def emotions_to_markers(placed: Iterable[tuple[FaceEmotion, tuple[float, float, float], float]],
                        gone: Iterable[int], header: Header, *, text_height_m: float,
                        lifetime_s: float) -> MarkerArray:
    """Return a translucent box and a text a face, and the removal of those that are gone.

    :param placed: what a face shows, its centre in the frame of the header, and its width, metres.
    :param gone: track ids whose markers are to be removed.
    :param lifetime_s: a marker vanishes by itself after so long.
    """
    message = MarkerArray()
    nanoseconds = round(lifetime_s * 1e9)
    lifetime = Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
    for emotion, (x, y, z), width_m in placed:
        blue, green, red = (channel / 255 for channel in COLORS_BGR[emotion.label])
        height_m = width_m * emotion.box.height / max(emotion.box.width, 1e-6)
        common = {'header': header, 'id': emotion.track_id % 2**31, 'action': Marker.ADD,
                  'lifetime': lifetime}
        message.markers.append(Marker(
            ns='face', type=Marker.CUBE, scale=Vector3(x=width_m, y=height_m, z=0.02),
            color=ColorRGBA(r=red, g=green, b=blue, a=0.4), pose=_pose(x, y, z), **common))
        # The optical frame's y points down: the text stands above the face.
        message.markers.append(Marker(
            ns='label', type=Marker.TEXT_VIEW_FACING, scale=Vector3(z=text_height_m),
            color=ColorRGBA(r=red, g=green, b=blue, a=1.0),
            pose=_pose(x, y - height_m / 2 - text_height_m, z),
            text=f'#{emotion.track_id} {emotion.label} {emotion.confidence:.0%}', **common))
    message.markers += [
        Marker(header=header, ns=ns, id=track_id % 2**31, action=Marker.DELETE)
        for track_id in gone for ns in ('face', 'label')]
    return message


def _pose(x: float, y: float, z: float) -> Pose:
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(w=1.0))


def stamp_to_s(stamp: Time) -> float:
    """Return a stamp in seconds."""
    return stamp.sec + stamp.nanosec * 1e-9


def s_to_stamp(seconds: float) -> Time:
    """Return seconds as a stamp; negative times, which messages cannot hold, become 0."""
    nanoseconds = max(0, round(seconds * 1e9))
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def box_to_roi(box: BoundingBox, image_width: int, image_height: int) -> RegionOfInterest:
    """Return the part of a box inside the image, in whole pixels."""
    box = box.clipped(image_width, image_height)
    x0, y0 = round(box.x), round(box.y)
    return RegionOfInterest(x_offset=x0, y_offset=y0,
                            width=max(0, round(box.x + box.width) - x0),
                            height=max(0, round(box.y + box.height) - y0))


def roi_to_box(roi: RegionOfInterest) -> BoundingBox:
    """Return a region as a box."""
    return BoundingBox(float(roi.x_offset), float(roi.y_offset), float(roi.width),
                       float(roi.height))


def faces_to_message(faces: list[Face], header: Header, image_width: int, image_height: int,
                     detector: str, color_encoding: str = 'bgr8') -> FaceArray:
    """Return the faces of one image as a message.

    :param color_encoding: of crops in color, 'bgr8' or 'rgb8'; gray ones are mono8.
    """
    message = FaceArray(header=header, image_width=image_width, image_height=image_height,
                        detector=detector)
    for face in faces:
        landmarks = [] if face.landmarks is None else [
            Point32(x=float(x), y=float(y), z=0.0) for x, y in face.landmarks]
        item = FaceMsg(track_id=face.track_id, score=float(face.score), detected=face.detected,
                       roi=box_to_roi(face.box, image_width, image_height),
                       landmarks=landmarks, quality=float(face.quality))
        if face.crop is not None:
            item.crop = bgr_to_image(
                face.crop, 'mono8' if face.crop.ndim == 2 else color_encoding, header)
        message.faces.append(item)
    return message


def message_to_faces(message: FaceArray) -> list[Face]:
    """Return the faces of a message; a crop that cannot be read is None."""
    faces = []
    for item in message.faces:
        landmarks = None
        if item.landmarks:
            landmarks = np.array([(p.x, p.y) for p in item.landmarks], np.float32)
        crop = None
        if item.crop.width:
            crop = image_to_array(item.crop, use_cv_bridge=False)
        faces.append(Face(item.track_id, roi_to_box(item.roi), item.score, landmarks,
                          item.detected, item.quality, crop))
    return faces


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
            track_id=emotion.track_id, roi=box_to_roi(emotion.box, image_width, image_height),
            probabilities=np.asarray(emotion.probabilities, np.float32),
            filtered_probabilities=np.asarray(emotion.filtered, np.float32),
            emotion=index, label=emotion.label, confidence=float(emotion.confidence),
            quality=float(emotion.quality), valence=float(emotion.valence),
            arousal=float(emotion.arousal), onset=emotion.onset,
            state_duration=Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)))
    return message


def message_to_emotions(message: EmotionArray) -> list[FaceEmotion]:
    """Return the emotions of a message.

    :raises FerError: when a number is not finite or the label is unknown.
    """
    emotions = []
    for item in message.emotions:
        probabilities = np.array(item.probabilities, np.float32)
        filtered = np.array(item.filtered_probabilities, np.float32)
        figures = (item.confidence, item.quality, item.valence, item.arousal)
        if not (np.isfinite(probabilities).all() and np.isfinite(filtered).all()
                and np.isfinite(figures).all()):
            raise FerError(f'emotion of face {item.track_id}: a number is not finite')
        if item.label not in LABELS and item.label != UNCERTAIN:
            raise FerError(f'emotion of face {item.track_id}: unknown label {item.label!r}')
        duration_s = item.state_duration.sec + item.state_duration.nanosec * 1e-9
        emotions.append(FaceEmotion(
            item.track_id, roi_to_box(item.roi), probabilities, filtered, item.label,
            item.confidence, item.quality, item.valence, item.arousal, duration_s, item.onset))
    return emotions
