# SPDX-License-Identifier: Apache-2.0
"""Write the screenshots of docs/: real nodes on the bundled clip, a real browser.

The clip's face is NASA's public-domain portrait of Eileen Collins; a crowd is that clip beside
itself. Run it with make screenshots.
"""

import argparse
import base64
import os
from pathlib import Path
import sys
import tempfile

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault('ROS_DOMAIN_ID', str(os.getpid() % 100 + 1))
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')

from browser import attribute, chromium, look, Nodes, text, WHY_NOT  # noqa: E402
from crowd import start  # noqa: E402
from ros_support import wait_for  # noqa: E402

#: Each with its cameras and how many people each of them sees.
SCENES = {
    'one': {'camera': 1},
    'eight': {'camera': 8},
    'cameras': {'hall': 3, 'kitchen': 1},
}
#: name: (scene, width, height, color scheme); height 0: the whole page
SHOTS = {
    'overview': ('one', 1600, 700, 'light'),  # at the top of README.md
    'dashboard_desktop_light': ('one', 1280, 1000, 'light'),
    'dashboard_desktop_dark': ('one', 1280, 1000, 'dark'),
    'dashboard_phone_light': ('one', 360, 1240, 'light'),
    'dashboard_tablet_light': ('eight', 768, 1240, 'light'),
    'dashboard_phone_dark': ('eight', 360, 1240, 'dark'),
    'dashboard_cameras_light': ('cameras', 1280, 1000, 'light'),
}
#: For whoever changes the layout: each scene at each width, as PNG.
SIZES = {f'{scene}_{width_px}_{scheme}': (scene, width_px, 0, scheme)
         for scene in SCENES
         for width_px, scheme in ((360, 'light'), (768, 'dark'), (1280, 'light'), (1600, 'dark'))}
_WANTED = """
  const label = document.querySelector('.person .label');
  const since = document.querySelector('.person .since');
  return label?.textContent === 'happy' && /for [2-9] s/.test(since.textContent)
    && !document.querySelector('.lamp').classList.contains('fading')
    && document.querySelector('.lamp').dataset.color !== arguments[0];"""
_ALL_THERE = 'return document.querySelectorAll(".person").length >= arguments[0];'
_TIMELINE_S = 20


def shoot(driver, path, size):
    """Write what the browser shows at a size; height 0: all of the page."""
    width_px, height_px, scheme = size
    look(driver, width_px, height_px or 900, scheme)
    wait_for(lambda: driver.execute_script('return innerWidth') == width_px, what='the size')
    if not height_px:
        height_px = driver.execute_script('return document.documentElement.scrollHeight')
        look(driver, width_px, height_px, scheme)
    # Drawn once more at this size: the picture, and the charts twice a second.
    number = attribute(driver, '.camera img', 'data-number')
    wait_for(lambda: attribute(driver, '.camera img', 'data-number') != number, what='a picture')
    driver.execute_async_script('setTimeout(arguments[0], 600)')
    kind = path.suffix[1:]
    shot = driver.execute_cdp_cmd('Page.captureScreenshot', {
        'format': kind, **({'quality': 80} if kind == 'webp' else {})})
    path.write_bytes(base64.b64decode(shot['data']))
    print(f'{path}: {path.stat().st_size // 1024} KiB')


def wait_for_scene(driver, scene, idle):
    """Wait for what is worth a picture.

    :param idle: the lamp's color without anybody.
    """
    if scene == 'one':
        wait_for(lambda: driver.execute_script(_WANTED, idle), what='a smile')
    else:
        people = sum(SCENES[scene].values())
        wait_for(lambda: driver.execute_script(_ALL_THERE, people - 1), what='the people')


def scene_shots(scene, shots, folder, ending):
    """Run the nodes of a scene and write its pictures."""
    with tempfile.TemporaryDirectory() as temporary:
        nodes = Nodes(temporary)
        start(nodes, Path(temporary), SCENES[scene])
        driver = chromium()
        try:
            driver.get(nodes.url('dashboard'))
            wait_for(lambda: attribute(driver, '.camera img', 'data-number'), what='a picture')
            idle = ''
            if scene == 'one':
                # A while of timeline: the whole clip once.
                wait_for(lambda: 'nobody' in text(driver, '#actions'), what='the end of the clip')
                idle = attribute(driver, '.lamp', 'data-color')
            else:
                driver.set_script_timeout(2 * _TIMELINE_S)
                driver.execute_async_script(
                    'setTimeout(arguments[1], arguments[0])', 1000 * _TIMELINE_S)
            for name, (_, *size) in shots.items():
                wait_for_scene(driver, scene, idle)
                shoot(driver, folder / f'{name}.{ending}', size)
        finally:
            driver.quit()
            nodes.stop()


def main() -> int:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', nargs='?', type=Path,
                        default=Path(__file__).parents[2] / 'docs' / 'screenshots')
    parser.add_argument('--only', nargs='+', help='these of them')
    parser.add_argument('--sizes', action='store_true',
                        help='whole pages, each scene at each width, as PNG')
    options = parser.parse_args()
    if WHY_NOT:
        print(WHY_NOT, file=sys.stderr)
        return 1
    options.folder.mkdir(parents=True, exist_ok=True)
    shots = SIZES if options.sizes else SHOTS
    if unknown := set(options.only or ()) - set(shots):
        parser.error(f'unknown: {", ".join(unknown)}; expected some of {", ".join(shots)}')
    for scene in SCENES:
        wanted = {name: shot for name, shot in shots.items()
                  if shot[0] == scene and name in (options.only or shots)}
        if wanted:
            scene_shots(scene, wanted, options.folder, 'png' if options.sizes else 'webp')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
