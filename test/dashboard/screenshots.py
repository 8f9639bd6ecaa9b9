# SPDX-License-Identifier: Apache-2.0
"""Write the screenshots of docs/: real nodes on the bundled clip, a real browser.

The clip's face is NASA's public-domain portrait of Eileen Collins. Run it with make screenshots.
"""

import argparse
import base64
import json
import os
from pathlib import Path
import sys
import tempfile

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault('ROS_DOMAIN_ID', str(os.getpid() % 100 + 1))
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')

from browser import attribute, chromium, look, Nodes, text, WHY_NOT  # noqa: E402
from fer_ros.data import demo_clip_path  # noqa: E402
from ros_support import wait_for  # noqa: E402

#: name: (width, height, colour scheme)
SHOTS = {
    'overview': (1600, 540, 'light'),  # at the top of README.md
    'dashboard_desktop_light': (1600, 1150, 'light'),
    'dashboard_desktop_dark': (1600, 1150, 'dark'),
    'dashboard_phone_light': (390, 1500, 'light'),
    'dashboard_phone_dark': (390, 1500, 'dark'),
}
_WANTED = """
  const label = document.querySelector('.person .label');
  const since = document.querySelector('.person .since');
  return label?.textContent === 'happy' && /for [2-9] s/.test(since.textContent)
    && document.querySelector('.lamp').dataset.color !== arguments[0];"""


def main() -> int:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', nargs='?', type=Path,
                        default=Path(__file__).parents[2] / 'docs' / 'screenshots')
    parser.add_argument('--only', choices=SHOTS, nargs='+', default=list(SHOTS))
    options = parser.parse_args()
    folder = options.folder
    if WHY_NOT:
        print(WHY_NOT, file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as logs:
        nodes = Nodes(logs)
        nodes.start('dashboard', 'fer_ros.nodes.dashboard', '--ros-args', '-p', 'port:=0')
        nodes.start('others', 'fer_ros.nodes.composed', 'face_detector', 'emotion_classifier',
                    'annotator', 'smart_home_bridge', '--ros-args', '-p',
                    'smart_home_bridge:lamp_display:=none')
        nodes.start('camera', 'fer_ros.nodes.camera_driver', '--ros-args', '-p',
                    f'source:={json.dumps(os.path.relpath(demo_clip_path()))}', '-p',
                    'loop:=true')
        driver = chromium()
        try:
            driver.get(nodes.url('dashboard'))
            wait_for(lambda: attribute(driver, '.camera img', 'data-number'), 30, 'a picture')
            # A while of timeline: the whole clip once.
            wait_for(lambda: 'nobody' in text(driver, '#actions'), 60, 'the end of the clip')
            idle = attribute(driver, '.lamp', 'data-color')
            for name in options.only:
                width_px, height_px, scheme = SHOTS[name]
                look(driver, width_px, height_px, scheme)
                wait_for(lambda: driver.execute_script(_WANTED, idle), 60, 'a smile')
                shot = driver.execute_cdp_cmd('Page.captureScreenshot', {
                    'format': 'webp', 'quality': 80})
                path = folder / f'{name}.webp'
                path.write_bytes(base64.b64decode(shot['data']))
                print(f'{path}: {path.stat().st_size // 1024} KiB')
        finally:
            driver.quit()
            nodes.stop()
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
