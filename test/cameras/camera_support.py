# SPDX-License-Identifier: Apache-2.0
"""What the tests of cameras share: numbered pictures, a clock, a camera that streams."""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import threading

import cv2
import numpy as np


def picture(number, width=64, height=48):
    """Return a picture that carries its number as its brightness."""
    return np.full((height, width, 3), 20 * number + 10, np.uint8)


def number_of(image):
    return round((float(image.mean()) - 10) / 20)


class Clock:
    """Time that passes only by waiting."""

    def __init__(self):
        self.now_s = 100.0
        self.waits = []

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now_s += seconds
        return False


class StreamHandler(BaseHTTPRequestHandler):
    """A camera as many are: JPEG images in a multipart HTTP answer."""

    def __init__(self, images, *args):
        self._images = images
        super().__init__(*args)

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        self.end_headers()
        for image in self._images:
            data = cv2.imencode('.jpg', image)[1].tobytes()
            self.wfile.write(b'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: '
                             + str(len(data)).encode() + b'\r\n\r\n' + data + b'\r\n')

    def log_message(self, *args):
        pass


@contextmanager
def serving(handler):
    """Serve HTTP requests with a handler class; yield the address, without the scheme."""
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f'127.0.0.1:{server.server_port}'
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)
