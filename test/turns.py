# SPDX-License-Identifier: Apache-2.0
"""Which tests run beside each other, and which come first."""

#: Tests of running nodes, brokers and browsers, which wait for each other: one at a time.
LIVE = tuple(f'test/{name}/' for name in (
    'nodes', 'dashboard', 'system', 'launch', 'home/connected'))

#: Files in these folders that measure no time and need no processes beside each other.
NOT_LIVE = tuple(f'test/{name}.py' for name in (
    'dashboard/test_pictures', 'dashboard/test_site', 'dashboard/test_site_attacks',
    'dashboard/test_state', 'home/connected/test_standalone_systemd',
    'home/connected/test_standalone_unit', 'nodes/test_conversions', 'nodes/test_cv_bridge',
    'nodes/test_every_node', 'nodes/test_habit_messages', 'nodes/test_image_conversions',
    'nodes/test_imports', 'nodes/test_messages_page', 'nodes/test_rclpy_internals',
    'nodes/test_sros2', 'nodes/test_startup', 'nodes/test_synchronizer',
    'system/test_demo_display', 'system/test_demo_options', 'system/test_interrupted_starts'))

#: What takes longest, so that no process is left with it when the others have ended.
LONG = ('test/training/', 'test/nodes/test_every_node', 'test/system/test_interrupted_starts',
        'test/habits/test_trial', 'test/nodes/test_sros2', 'test/nodes/test_startup')


def scope(nodeid):
    """Return which tests a process takes together."""
    file = nodeid.partition('::')[0]
    return 'live' if file.startswith(LIVE) and file not in NOT_LIVE else file


def rank(nodeid):
    """Return when a test's turn comes: the lowest first."""
    name = scope(nodeid)
    return 0 if name == 'live' else 1 if name.startswith(LONG) else 2
