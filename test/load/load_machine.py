# SPDX-License-Identifier: Apache-2.0
"""A machine in virtual time: cameras, detectors, one classifier, and competitors."""

from collections.abc import Callable
from dataclasses import dataclass, field

from fer_ros.load import FaceRounds, Lateness, LoadShedder, Thinning

SLOT_S = 0.002
#: Processor milliseconds, of a slow desk machine: a detection, a face found, a frame, a face read.
DETECTION_MS, FACE_MS, FRAME_MS, READ_MS = 10.0, 0.15, 6.0, 1.3


@dataclass
class Camera:
    """One camera with its detector process.

    :ivar rate_hz: frames per second at a time, seconds.
    :ivar faces: how many are in view.
    :ivar stamp_s: the stamp of a frame taken at a time.
    """

    rate_hz: Callable[[float], float] = lambda now_s: 15.0
    faces: int = 1
    stamp_s: Callable[[float], float] = lambda now_s: now_s
    calm: bool = True
    phase: float = 0.0
    share: float = 1.0
    cores: int = 2
    others: Callable[[], float | None] = lambda: None
    done: list[tuple[float, float]] = field(default_factory=list)  # when, latency ms
    levels: list[tuple[float, float]] = field(default_factory=list)
    taken: int = 0
    replaced: int = 0

    def __post_init__(self):
        self.lateness, self.thinning = Lateness(), Thinning()
        self.shedder = LoadShedder(50.0 if self.calm else 0.0, self.share, phase=self.phase)
        self.next_s, self.waiting, self.job = self.phase / 15, None, None
        self.detected_s, self.cpu_s, self.read_late_ms = -1.0, 0.0, 0.0

    def capture(self, now_s):
        if now_s < self.next_s:
            return
        rate = self.rate_hz(now_s)
        if rate <= 0:
            return
        self.next_s = max(self.next_s, now_s - 0.3) + 1 / rate
        self.taken += 1
        self.replaced += self.waiting is not None
        stamp_s = self.stamp_s(now_s)
        self.waiting = (now_s, self.lateness.excess_delay_ms(now_s, now_s, stamp_s))
        self.rate = rate

    def begin(self, now_s):
        if self.job is not None or self.waiting is None:
            return
        frame, self.waiting = self.waiting, None
        shed = self.shedder.shed
        if not self.thinning.take(shed.part(self.rate)):
            return
        work_ms = FRAME_MS + FACE_MS * self.faces
        heavy = now_s - self.detected_s > 0.1 * shed.stretch
        if heavy:
            work_ms += DETECTION_MS
            self.detected_s = now_s
        self.job = [work_ms, frame, heavy]

    def finish(self, now_s):
        """Return the frame whose faces are found."""
        (_, (came_s, delay_ms), heavy), self.job = self.job, None
        self.lateness.add(now_s, (now_s - came_s) * 1e3 + delay_ms, heavy)
        if self.shedder.due(now_s):
            late_ms = self.lateness.late_ms(now_s)
            self.shedder.step(now_s, None if late_ms is None else max(late_ms, self.read_late_ms),
                              self.cpu_s, self.cores, self.others())
            self.levels.append((now_s, self.shedder.shed.level))
        return came_s, heavy


class Machine:
    """Run cameras on some cores; the classifier is shared, and reads in rounds if set."""

    def __init__(self, cameras, *, cores=2, speed=lambda now_s: 1.0, competitors=lambda now_s: 0,
                 rounds=True):
        self.cameras, self.cores = cameras, cores
        for camera in cameras:
            camera.others = self._mean_level
        self._speed, self._competitors = speed, competitors
        self._rounds = FaceRounds(12.5 if rounds else 0.0)
        self._read_lateness = [Lateness() for _ in cameras]
        self._inbox, self._job, self.now_s = {}, None, 0.0
        self.read_faces = [{} for _ in cameras]  # id: when it was read

    def run(self, seconds):
        """Run on for so long."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += SLOT_S
            self._slot(self.now_s)

    def latencies(self, camera, after_s, before_s=float('inf')):
        """Return the latencies of the frames done in between, milliseconds, sorted."""
        return sorted(ms for when_s, ms in self.cameras[camera].done
                      if after_s < when_s < before_s)

    def _mean_level(self):
        return sum(camera.shedder.shed.level for camera in self.cameras) / len(self.cameras)

    def _slot(self, now_s):
        for camera in self.cameras:
            camera.capture(now_s)
            camera.begin(now_s)
        self._begin_reading(now_s)
        busy = [camera for camera in self.cameras if camera.job]
        wanting = len(busy) + bool(self._job) + self._competitors(now_s)
        if not wanting:
            return
        each_ms = SLOT_S * 1e3 * self._speed(now_s) * min(1.0, self.cores / wanting)
        for i, camera in enumerate(self.cameras):
            if camera.job:
                camera.cpu_s += each_ms / 1e3
                camera.job[0] -= each_ms
                if camera.job[0] <= 0:
                    self._inbox[i] = camera.finish(now_s)
        if self._job:
            self._job[0] -= each_ms
            if self._job[0] <= 0:
                self._finish_reading(now_s)

    def _begin_reading(self, now_s):
        if self._job is not None or not self._inbox:
            return
        taken, self._inbox = self._inbox, {}
        chosen = self._rounds.choose({str(i): range(self.cameras[i].faces) for i in taken})
        for i in taken:
            self.read_faces[i].update(dict.fromkeys(chosen[str(i)], now_s))
        faces = sum(map(len, chosen.values()))
        self._job = [0.5 + READ_MS * faces, taken, faces, now_s]

    def _finish_reading(self, now_s):
        (_, taken, faces, began_s), self._job = self._job, None
        self._rounds.record(faces, (now_s - began_s) * 1e3)
        for i, (came_s, heavy) in taken.items():
            late_ms = (now_s - came_s) * 1e3
            self.cameras[i].done.append((now_s, late_ms))
            self._read_lateness[i].add(now_s, late_ms, heavy)
            self.cameras[i].read_late_ms = self._read_lateness[i].late_ms(now_s) or 0.0
