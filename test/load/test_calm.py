# SPDX-License-Identifier: Apache-2.0
"""Latency is defended in virtual time, whatever happens, and nothing oscillates or grows."""

from fer_ros.load import Thinning
from load_machine import Camera, Machine
import pytest


def cameras(count, **keywords):
    return [Camera(phase=i / count, **keywords) for i in range(count)]


def turns(levels, after_s, least=0.4):
    """Return how often a level has changed direction by more than ``least`` after a time."""
    count, way, mark = 0, 0, None
    for when_s, level in levels:
        if when_s < after_s:
            continue
        mark = level if mark is None else mark
        if abs(level - mark) > least:
            now = 1 if level > mark else -1
            count += way not in (0, now)
            way, mark = now, level
        elif (level - mark) * way > 0:
            mark = level
    return count


def median(values):
    return values[len(values) // 2]


def test_without_load_nothing_is_given_up():
    machine = Machine(cameras(2))
    machine.run(20)
    assert all(level == 0 for camera in machine.cameras for _, level in camera.levels)
    assert all(camera.thinning.skipped == 0 for camera in machine.cameras)


@pytest.mark.parametrize('count', [12, 16])
def test_many_cameras_stay_in_time_and_each_is_read(count):
    calm, not_calm = Machine(cameras(count)), Machine(cameras(count, calm=False))
    for machine in (calm, not_calm):
        machine.run(60)
    assert all(median(not_calm.latencies(i, 20)) > 50 for i in range(count))
    for i, camera in enumerate(calm.cameras):
        done = calm.latencies(i, 20)
        assert median(done) < 50
        assert len(done) / 40 >= 3, 'a camera is read at least 3 times per second'
        assert turns(camera.levels, 20) <= 6
    levels = [camera.shedder.shed.level for camera in calm.cameras]
    assert max(levels) - min(levels) < 1, 'what is given up is shared'


def test_a_competitor_comes_and_goes():
    machine = Machine(cameras(6), competitors=lambda now_s: 6 if 20 < now_s < 80 else 0)
    machine.run(20)
    assert all(camera.shedder.shed.level == 0 for camera in machine.cameras)
    machine.run(60)
    for i, camera in enumerate(machine.cameras):
        assert camera.shedder.shed.level > 0 and camera.shedder.reason
        assert median(machine.latencies(i, 40, 80)) < 50
        assert turns(camera.levels, 40) <= 4
    machine.run(60)
    for i, camera in enumerate(machine.cameras):
        assert camera.shedder.shed.level == 0 and not camera.shedder.reason
        assert median(machine.latencies(i, 110)) < 25


def test_a_throttled_processor():
    machine = Machine(cameras(4), speed=lambda now_s: 0.4 if 10 < now_s < 60 else 1.0)
    machine.run(60)
    assert all(median(machine.latencies(i, 25, 60)) < 50 for i in range(4))
    assert all(turns(camera.levels, 25) <= 4 for camera in machine.cameras)
    machine.run(60)
    assert all(camera.shedder.shed.level == 0 for camera in machine.cameras)


@pytest.mark.parametrize('speed', [0.03, 0.01])
def test_a_machine_that_does_a_frame_in_seconds_is_not_taken_for_idle(speed):
    machine = Machine(cameras(1), speed=lambda now_s: speed if now_s < 60 else 1.0)
    machine.run(60)
    shed = machine.cameras[0].shedder.shed
    assert len(machine.latencies(0, 30, 60)) < 30 * 2.5 and shed.level == 3.0
    machine.run(60)
    assert machine.cameras[0].shedder.shed.level == 0


def test_a_crowd_before_one_camera_does_not_starve_the_others():
    crowd, *rest = cameras(3)
    crowd.faces = 100
    fair, unfair = Machine([crowd, *rest]), Machine(
        [Camera(faces=100, calm=False), *cameras(2, calm=False)], rounds=False)
    for machine in (fair, unfair):
        machine.run(40)
    assert median(unfair.latencies(1, 15)) > 100
    for i in (1, 2):
        assert median(fair.latencies(i, 15)) < 50
        assert len(fair.latencies(i, 15)) / 25 > 10
    assert median(fair.latencies(0, 15)) < 80
    # All faces of the crowd have their turn, and none waits much longer than the others.
    times = fair.read_faces[0]
    assert len(times) == 100 and min(times.values()) > 40 - 3


def test_rates_that_change_and_a_burst_after_a_pause():
    def rate(now_s):
        return 0.0 if 20 < now_s < 30 else (30.0 if now_s < 40 else 10.0)
    machine = Machine([Camera(rate_hz=rate, phase=i / 4) for i in range(4)])
    machine.run(70)
    for i, camera in enumerate(machine.cameras):
        assert median(machine.latencies(i, 32, 40)) < 50
        assert camera.shedder.shed.level == 0
        assert turns(camera.levels, 10) <= 4


@pytest.mark.parametrize('stamp_s', [
    lambda now_s: 5.0, lambda now_s: now_s - 0.3, lambda now_s: -now_s, lambda now_s: now_s / 2,
    lambda now_s: now_s % 1.0, lambda now_s: now_s * 1.5 + 1e6, lambda now_s: 0.0],
    ids=['still', 'late', 'back', 'slow', 'jumping', 'fast', 'zero'])
def test_what_is_wrong_with_stamps_is_not_load(stamp_s):
    machine = Machine([Camera(stamp_s=stamp_s)])
    machine.run(200)
    assert all(level < 1 for _, level in machine.cameras[0].levels)
    assert all(level == 0 for when_s, level in machine.cameras[0].levels if when_s > 60)


def test_the_share_of_the_machine_is_kept():
    free, bound = Machine([Camera()]), Machine([Camera(share=0.04)])
    for machine in (free, bound):
        machine.run(60)
    used_free, used_bound = (machine.cameras[0].cpu_s for machine in (free, bound))
    assert used_free / 60 / 2 > 0.04
    before = used_bound
    bound.run(30)
    assert (bound.cameras[0].cpu_s - before) / 30 / 2 < 0.044
    assert 'processor_share' in bound.cameras[0].shedder.reason


def test_nothing_grows():
    camera = Camera(faces=100)
    machine = Machine([camera], competitors=lambda now_s: 3 if now_s % 120 < 60 else 0)
    machine.run(60)
    machine._rounds.choose({'0': range(100)})
    assert len(camera.lateness._frames) <= 2 * 15 + 1
    assert len(machine._rounds._read['0']) == 100
    camera.faces = 3
    machine.run(2)
    assert len(machine._rounds._read['0']) == 3


def test_thinning_is_even_and_counted():
    thinning = Thinning()
    taken = [thinning.take(0.3) for _ in range(100)]
    places = [i for i, one in enumerate(taken) if one]
    assert {b - a for a, b in zip(places, places[1:])} <= {1, 3, 4}
    assert sum(taken) == 100 - thinning.skipped and 30 <= sum(taken) <= 31
    assert all(thinning.take(1.0) for _ in range(10))
