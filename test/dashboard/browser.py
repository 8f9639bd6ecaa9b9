# SPDX-License-Identifier: Apache-2.0
"""A real headless Chromium, and the nodes that it looks at, each a process of its own."""

import json
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
import urllib.request

from ros_support import wait_for
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

WHY_NOT = next((f'{name} is not installed (Debian: apt install chromium chromium-driver)'
                for name in ('chromium', 'chromedriver') if shutil.which(name) is None), '')


def chromium(width_px=1280, height_px=900, scheme='light'):
    """Return a browser with a window of a size, in a color scheme."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which('chromium')
    for argument in ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
                     '--disable-extensions', '--renderer-process-limit=2', '--hide-scrollbars',
                     f'--window-size={width_px},{height_px}'):
        options.add_argument(argument)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which('chromedriver')))
    look(driver, width_px, height_px, scheme)
    return driver


def look(driver, width_px, height_px, scheme):
    """Take another size and color scheme."""
    driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
        'width': width_px, 'height': height_px, 'deviceScaleFactor': 1,
        'mobile': width_px < 600})
    driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {
        'features': [{'name': 'prefers-color-scheme', 'value': scheme}]})


def text(driver, selector):
    """Return the text of the first element, or an empty string when there is none."""
    return driver.execute_script(
        'return document.querySelector(arguments[0])?.textContent.trim() ?? ""', selector)


def attribute(driver, selector, name):
    """Return an attribute of the first element, or None."""
    return driver.execute_script(
        'return document.querySelector(arguments[0])?.getAttribute(arguments[1])', selector, name)


def click(driver, selector):
    """Click as a person does."""
    driver.find_element(By.CSS_SELECTOR, selector).click()


def command(driver, room, button):
    """Click a button of a room until the bridge has answered; return the answer.

    The node waits for the bridge for three seconds, which a busy machine may exceed.
    """
    def answer():
        click(driver, f'{room} {button}')
        said = wait_for(lambda: (now := text(driver, f'{room} .answer')).startswith(
            ('Done', 'Not done')) and now, what="the bridge's answer")
        return 'has not answered' not in said and said
    return wait_for(answer, what=f'an answer to {button}')


def state(driver):
    """Return the state of the dashboard at the driver's url."""
    with urllib.request.urlopen(f'{driver.url}/api/state', timeout=30) as answer:
        return json.load(answer)


def figure(driver, name):
    """Return a figure of the dashboard's own diagnostics."""
    node = next(node for node in state(driver)['nodes'] if node['name'] == 'dashboard')
    return int(node['values'][name])


class Nodes:
    """Nodes as processes."""

    def __init__(self, folder):
        self._folder, self._running = Path(folder), {}

    def start(self, name, module, *arguments, **environment):
        """Start a node, or the same again."""
        with open(self._folder / f'{name}.log', 'a') as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, '-m', module, *arguments], stdout=log, stderr=subprocess.STDOUT,
                # What a bridge remembers is not another's.
                env={**os.environ, 'ROS_HOME': str(self._folder / 'ros'), **environment})
        return self._running[name]

    def kill(self, name):
        """End a node without a word of goodbye."""
        self._running[name].kill()
        self._running[name].wait()

    def stop(self):
        """End all."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self._running.values():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def url(self, name):
        """Return where a dashboard is, once it says so."""
        def found():
            log = (self._folder / f'{name}.log').read_text()
            return log.rpartition('dashboard: ')[2].split()[0] if 'dashboard: http' in log \
                else None
        return wait_for(found, what=f'{name} to say its address')


def loud(entries):
    """Return what a page complained of, without what the tests provoke."""
    return [json.dumps(entry) for entry in entries if entry['level'] == 'SEVERE'
            and 'Failed to load resource' not in entry['message']]
