# SPDX-License-Identifier: Apache-2.0
"""What fer-home says to systemd: lines for the journal, and notifications."""

import logging
import os

from fer_ros.standalone.journal import JournalFormatter, under_journal
from fer_ros.standalone.notify import Notifier
from mosquitto import wait_for


def test_lines_for_the_journal():
    record = logging.makeLogRecord({'msg': 'one\ntwo', 'levelno': logging.WARNING})
    assert JournalFormatter('%(message)s').format(record) == '<4>one\n<4>two'
    with open(os.devnull) as file:
        status = os.fstat(file.fileno())
        stream = f'{status.st_dev}:{status.st_ino}'
        assert under_journal({'JOURNAL_STREAM': stream}, file.fileno())
        # Inherited from a service, but the output goes elsewhere.
        assert not under_journal({'JOURNAL_STREAM': '1:2'}, file.fileno())
        assert not under_journal({}, file.fileno())


def test_the_service_manager_is_notified_and_need_not_be_there(manager):
    notifier = Notifier({'NOTIFY_SOCKET': str(manager.path), 'WATCHDOG_USEC': '2500000'})
    assert notifier.watchdog_s == 2.5
    notifier.send('READY=1', 'STATUS=good')
    wait_for(lambda: manager.states == ['READY=1', 'STATUS=good'])
    # Meant for another process.
    assert Notifier({'WATCHDOG_USEC': '1', 'WATCHDOG_PID': '1'}).watchdog_s == 0
    Notifier({}).send('READY=1')
    Notifier({'NOTIFY_SOCKET': '/nowhere'}).send('READY=1')
