# SPDX-License-Identifier: Apache-2.0
"""One line at the end of a test run: what was skipped, and the one command that brings it."""

from collections import Counter
import re

import pytest

#: What a reason to skip names: the Debian and Ubuntu packages that end it.
PACKAGES = {
    r'mosquitto': 'mosquitto',
    r'chromi': 'chromium chromium-driver',
    r'openssl': 'openssl',
    r'systemd': 'systemd',
    r'cmake and g\+\+': 'g++',
    r'iproute2': 'iproute2 util-linux',
    r'cv_bridge': 'python3-cv-bridge',
}
#: What else there is to say, where no package of the system helps.
OTHERS = {
    r'FER_SHARED|FER2013': 'research data (may not be distributed)',
    r'Home Assistant': 'a Home Assistant (FER_HASS)',
    r'launch': 'a ROS 2 with launch_testing',
    r'network namespaces': 'root, for network namespaces',
}


def summary(reasons: list[str]) -> str:
    """Return the line for the reasons of all skipped tests; empty when there are none."""
    packages: Counter = Counter()
    others: Counter = Counter()
    for reason in reasons:
        for table, counter in ((PACKAGES, packages), (OTHERS, others)):
            found = next((what for words, what in table.items() if re.search(words, reason)), None)
            if found:
                counter[found] += 1
                break
        else:
            others['see above'] += 1
    if not reasons:
        return ''
    parts = [f'{count} for want of {what}' for what, count in
             [*packages.most_common(), *others.most_common()] if what != 'see above']
    if others['see above']:
        parts.append(f'{others["see above"]} for reasons above')
    command = f'. To run them: sudo apt install {" ".join(sorted(packages))}' if packages else ''
    return f'{len(reasons)} skipped: {", ".join(parts)}{command}'


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Write the line below the list of the skipped tests."""
    yield
    reasons = [report.longrepr[2].removeprefix('Skipped: ') if isinstance(report.longrepr, tuple)
               else str(report.longrepr) for report in terminalreporter.stats.get('skipped', ())]
    if line := summary(reasons):
        terminalreporter.write_line(line)
