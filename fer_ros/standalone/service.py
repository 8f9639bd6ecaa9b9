# SPDX-License-Identifier: Apache-2.0
"""Run fer-home: cameras, network, home and page in one process."""

from collections.abc import Callable
import logging
from pathlib import Path
import sys
import threading
import time

from fer_ros import __version__
from fer_ros.dashboard.page import Page
from fer_ros.errors import FerError
from fer_ros.habits.views import HABIT_ACTIONS
from fer_ros.health import OK, Status, WARN
from fer_ros.home.action import AmbientAction
from fer_ros.home.commands import RoomCommand
from fer_ros.home.controller import HomeController
from fer_ros.home.operation import Complaints, PATIENCE_S, report, TICK_S
from fer_ros.home.world.connections import check_secrets
from fer_ros.home.world.state_file import state_folder, StateFile
from fer_ros.perception import create_finder, EmotionReader
from fer_ros.standalone.camera import CameraWorker
from fer_ros.standalone.config import Config
from fer_ros.standalone.notify import Notifier
from fer_ros.types import Face
from fer_ros.workers import Faults
import numpy as np

#: Intervals at which the page gets the rooms' numeric values and the parts' health, seconds.
_ROOMS_S = 0.5
_HEALTH_S = 1.0
#: If an image takes longer, a library hangs, seconds.
STUCK_S = 30.0
_STILL_S = 30.0
#: Shutdown takes at most this long: parts still running then are named, seconds.
END_S = 15.0
_LOGGER = logging.getLogger(__name__)


class HomeService:
    """Runs the cameras, network, home and page of a configuration.

    :raises FerError: when a part cannot be created or the port is not available; nothing is left
        running then.
    """

    def __init__(self, config: Config, *, notifier: Notifier | None = None):
        self._config = config
        self._notifier = notifier or Notifier()
        # Workers, the page's threads and the main loop use the home; held briefly.
        self._lock = threading.RLock()
        self._reading = threading.Lock()
        self._started_s = time.monotonic()
        self._ticked_s = self._started_s
        self._complaints = Complaints(_LOGGER.error, _LOGGER.warning)
        self._rooms: list = []
        self._rooms_s = self._health_s = self._signed_s = float('-inf')
        self._faults = Faults(_LOGGER.error)
        self._acted = False
        self._stuck = ''
        self._house: HomeController | None = None
        self._page: Page | None = None
        self._workers: dict[str, CameraWorker] = {}
        try:
            # Cheap parts first, so that a wrong port, address or file is reported at once.
            if config.page is not None:
                self._page = self._create_page(config)
                self._page.open()
            for camera in config.cameras:
                self._workers[camera.name] = self._create_worker(camera, config)
            self._reader = self._create_reader(config)
            self._house = self._create_house(config)
            if config.policy_name:
                self._house.command(RoomCommand.SELECT_POLICY, time.time(),
                                    argument=config.policy_name)
        except BaseException:
            self.close()
            raise
        self._describe(config)

    @property
    def url(self) -> str:
        """The page's URL; empty without a page."""
        return '' if self._page is None else self._page.url

    def run(self, stop: threading.Event, reload: threading.Event,
            load: Callable[[], Config]) -> int:
        """Run until stopped, or until every file or folder has ended; return the exit code.

        :param reload: set to request a reload of the configuration with ``load``.
        """
        for worker in self._workers.values():
            worker.start()
        self._notifier.send('READY=1', f'STATUS={self._summary()}')
        while not stop.wait(TICK_S):
            if reload.is_set():
                reload.clear()
                self._faults.survive('reload', self._reload, load)
            self._faults.survive('the main loop', self.tick)
            workers = self._workers.values()
            if all(worker.ended for worker in workers):
                _LOGGER.info('all sources have ended')
                return int(all(worker.failed for worker in workers))
        return 0

    def tick(self) -> None:
        """Do what is due: home, page and watchdog."""
        now_s = time.monotonic()
        with self._lock:
            self._house.tick(time.time())
            young = now_s - self._started_s < PATIENCE_S
            self._complaints.update(self._house, young=young)
            if self._page is not None:
                self._show_rooms(now_s)
        if now_s - self._health_s >= _HEALTH_S:
            self._health_s = now_s
            self._stuck = self._find_stuck()
            self._show_health(young)
        self._ticked_s = now_s
        self._sign(now_s)

    def health(self) -> str:
        """Return why the process does not work, or an empty string."""
        idle_s = time.monotonic() - self._ticked_s
        return self._stuck or (f'the main loop has hung for {idle_s:.0f} s'
                               if idle_s > _STILL_S else '')

    def close(self) -> None:
        """Restore the lights, then stop everything; within :data:`END_S`."""
        self._notifier.send('STOPPING=1')
        with self._lock:
            house, self._house = self._house, None
            if house is not None:
                house.close(time.time())
        for worker in self._workers.values():
            worker.stop()
        if self._page is not None:
            self._page.close()

    # Create the parts.

    def _create_reader(self, config: Config) -> EmotionReader:
        return EmotionReader([camera.name for camera in config.cameras], config.classifier)

    def _create_worker(self, camera, config: Config) -> CameraWorker:
        # The crops have the format that the network takes.
        worker = CameraWorker(camera, lambda: create_finder({
            **config.detector, 'emotion_model': config.detector['emotion_model']
            or config.classifier['model']}), self._on_faces)
        for warning in worker.finder.warnings:
            _LOGGER.warning('%s: %s', camera.name, warning)
        return worker

    def _create_page(self, config: Config) -> Page:
        page = Page([camera.name for camera in config.cameras], config.page, time.time,
                    self._control, self.health)
        page.state.bridge('active')
        return page

    def _create_house(self, config: Config) -> HomeController:
        # The actions are enough in a log.
        terminal = sys.stdout.isatty()
        file = config.state_file or state_folder('fer-home') / 'home.json'
        house = HomeController(
            config.policy, on_action=self._on_action, dry_run=config.dry_run,
            write=_print if terminal else None, ansi=terminal, version=__version__,
            memory=None if file == 'none' else StateFile(Path(file)),
            habits_folder=state_folder('fer-home') / 'habits', policy_file=config.policy_file)
        house.recall(time.time())
        return house

    def _describe(self, config: Config) -> None:
        detectors = {worker.finder.detector_name for worker in self._workers.values()}
        _LOGGER.info('fer-home %s: policy %s, rooms %s', __version__, config.policy_file,
                     ', '.join(config.policy.rooms))
        _LOGGER.info('cameras %s; detector %s; network %s, labels %s',
                     ', '.join(f'{worker.camera.name} ({worker.source})'
                               for worker in self._workers.values()),
                     ', '.join(sorted(detectors)), self._reader.name, self._reader.label_set)
        for room in config.unfed:
            _LOGGER.warning('no camera sees room %s: its lights stay as they are; add %s to the '
                            'rooms of a camera', room, room)
        if self._page is not None:
            _LOGGER.info('page: %s', self.url)

    # Reload.

    def _reload(self, load: Callable[[], Config]) -> None:
        self._notifier.send('RELOADING=1', f'MONOTONIC_USEC={time.monotonic_ns() // 1000}')
        try:
            self._adopt(load())
        except FerError as error:
            for line in str(error).splitlines():
                _LOGGER.error('reload refused, the old configuration stays in force: %s', line)
        else:
            _LOGGER.info('reloaded')
            self._describe(self._config)
        self._notifier.send('READY=1', f'STATUS={self._summary()}')

    def _adopt(self, new: Config) -> None:
        """Apply a configuration completely, or not at all."""
        old = self._config
        names = [camera.name for camera in new.cameras]
        same_names = names == [camera.name for camera in old.cameras]
        if not new.dry_run:
            check_secrets(new.policy)
        # All that can fail is created before anything old is closed.
        reader = self._reader if same_names and new.classifier == old.classifier \
            else self._create_reader(new)
        kept = {camera.name for camera in new.cameras if camera in old.cameras
                and not self._workers[camera.name].ended and new.detector == old.detector
                and new.classifier['model'] == old.classifier['model']}
        workers = {camera.name: self._workers[camera.name] if camera.name in kept
                   else self._create_worker(camera, new) for camera in new.cameras}
        page = self._page
        if new.page != old.page or not same_names:
            page = self._replace_page(None if new.page is None else self._create_page(new))
        gone = [worker for name, worker in self._workers.items() if workers.get(name) != worker]
        for worker in gone:
            worker.stop()
        with self._lock:
            if new.dry_run != old.dry_run:
                self._house.close(time.time())
                self._house = self._create_house(new)
            elif new.policy != old.policy:
                self._house.reload(time.time(), new.policy)
            if new.policy_name:
                self._house.command(RoomCommand.SELECT_POLICY, time.time(),
                                    argument=new.policy_name)
            elif old.policy_name:
                for name, room in new.policy.rooms.items():
                    self._house.command(RoomCommand.SELECT_POLICY, time.time(), name,
                                        room.policy)
            with self._reading:
                self._reader = reader
            started = [worker for worker in workers.values() if worker.camera.name not in kept]
            self._workers, self._config, self._page = workers, new, page
        for worker in started:
            worker.start()

    def _replace_page(self, page: Page | None) -> Page | None:
        """Replace the page, possibly on the same port; restore the old one if that fails."""
        old = self._page
        if old is not None:
            old.close()
        if page is None:
            return None
        try:
            page.open()
        except FerError:
            if old is not None:
                old.open()
            raise
        return page

    # Called in other threads.

    def _on_faces(self, worker: CameraWorker, faces: list[Face], image: np.ndarray,
                  stamp_s: float) -> None:
        camera = worker.camera
        with self._reading:
            reader = self._reader
            emotions = reader.read({camera.name: (stamp_s, faces)})[camera.name]
        now_s = time.time()
        with self._lock:
            # A camera that a reload has replaced may still process its last image.
            if self._house is None or self._workers.get(camera.name) is not worker:
                return
            self._house.observe(camera.topic, emotions, stamp_s, now_s=now_s)
            page = self._page
        if page is None:
            return
        page.state.see(camera.name, emotions, now_s=now_s, stamp_s=stamp_s,
                       size=(image.shape[1], image.shape[0]), model=reader.name,
                       label_set=reader.label_set)
        if self._config.page['picture'] and page.pictures.wanted(camera.name):
            page.pictures.offer(camera.name, image, stamp_s)

    def _on_action(self, action: AmbientAction) -> None:
        self._acted = True
        _LOGGER.info('%s/%s: %s, because %s (%s)', action.room, action.target, action.describe(),
                     action.reason,
                     action.outcome.name.lower() + (f': {action.detail}' if action.detail else ''))
        if self._page is not None:
            self._page.state.act(action)

    def _control(self, action: str, room: str, policy: str) -> tuple[bool, str]:
        """Handle a command from the page."""
        with self._lock:
            if self._house is None:
                return False, 'fer-home is shutting down'
            try:
                wanted = HABIT_ACTIONS.get(action)
                if wanted is None:
                    done = self._house.command(RoomCommand.of_word(action), time.time(),
                                               room or None, policy)
                elif isinstance(wanted, bool):
                    done = self._house.switch_habits(room, wanted, time.time())
                else:
                    done = self._house.answer_suggestion(room, wanted, time.time(), policy)
            except FerError as error:
                return False, str(error)
        _LOGGER.info('the page: %s', done)
        return True, done

    # Update the page.

    def _show_rooms(self, now_s: float) -> None:
        if not self._acted and now_s - self._rooms_s < _ROOMS_S:
            return
        rooms = self._house.snapshots
        self._rooms_s, self._acted = now_s, False
        if rooms != self._rooms:
            self._rooms = rooms
            self._page.state.rooms(rooms)

    def _show_health(self, young: bool) -> None:
        if self._page is None:
            return
        state = self._page.state
        for name, worker in self._workers.items():
            self._diagnose(f'{name}/camera', worker.report())
            if not self._config.page['picture']:
                state.picture(name, 'off', 'Pictures are disabled (page.picture in the '
                              'configuration): labels only.')
            elif problem := worker.problem():
                state.picture(name, 'ended' if worker.played_out else 'absent', problem)
                state.silence(name, problem)
            else:
                state.picture(name, 'live')
                state.silence(name, '')
        status = Status(OK, 'active')
        with self._lock:
            report(self._house, status, young=young)
        self._diagnose('smart_home', status)
        reader = self._reader
        status = Status(OK, 'active', {
            'network': reader.name, 'runs on': reader.classifier.runs_on,
            'labels': reader.label_set, 'faces without an answer': reader.failed,
            'page': self.url, 'viewers': self._page.viewers,
            'running for (h)': (time.monotonic() - self._started_s) / 3600,
            'records in memory': len(state.history)})
        for problem in reader.problems:
            status.worsen(WARN, problem)
        self._faults.report(status)
        self._page.faults.report(status)
        self._diagnose('fer_home', status)

    def _diagnose(self, name: str, status: Status) -> None:
        self._page.state.diagnose(name, status.level[0], status.message, status.texts())

    def _summary(self) -> str:
        with self._lock:
            connections = ', '.join(f'{name} {state}'
                                    for name, state in self._house.connections.items())
        cameras = ', '.join(f'{name}: {worker.problem() or "streaming"}'
                            for name, worker in self._workers.items())
        return '; '.join(filter(None, (cameras, connections, self.url)))

    # Watchdog.

    def _find_stuck(self) -> str:
        for name, worker in self._workers.items():
            if worker.busy_s() > STUCK_S:
                return (f'camera {name}: an image has been processed for {worker.busy_s():.0f} s; '
                        'a library hangs, restart fer-home')
        return ''

    def _sign(self, now_s: float) -> None:
        period_s = self._notifier.watchdog_s / 3 or 10.0
        if now_s - self._signed_s < period_s:
            return
        self._signed_s = now_s
        if self._stuck:
            _LOGGER.error(self._stuck)
            return
        self._notifier.send('WATCHDOG=1', f'STATUS={self._summary()}')


def _print(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError:
        sys.stdout = None  # the terminal is closed, also at the end
