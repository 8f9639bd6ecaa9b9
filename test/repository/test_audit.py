# SPDX-License-Identifier: Apache-2.0
"""make audit: every pin is looked up, and known vulnerabilities are reported with the fix."""

from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).parents[2] / 'tools'))
import audit  # noqa: E402


def test_every_pin_of_every_file_is_asked_for_once():
    pinned = audit.all_pins()
    assert any('demo.txt' in files for files in pinned.values())
    groups = audit.rounds(pinned)
    assert sorted(pin for group in groups for pin in group) == sorted(pinned)
    for group in groups:
        names = [name for name, _ in group]
        assert len(set(names)) == len(names)


def test_what_is_known_is_said_with_its_file_and_the_fix():
    found, skipped = audit.findings([
        {'name': 'Flask', 'version': '1.0', 'vulns': [
            {'id': 'PYSEC-1', 'aliases': ['GHSA-x', 'CVE-2026-1'], 'fix_versions': ['1.1', '2.0']},
            {'id': 'PYSEC-2', 'aliases': [], 'fix_versions': []}]},
        {'name': 'numpy', 'version': '2.0', 'vulns': []},
        {'name': 'local', 'skip_reason': 'not in the database'}], {('flask', '1.0'): ['demo.txt']})
    assert found == [
        'flask 1.0 (demo.txt): PYSEC-1 CVE-2026-1, fixed in 1.1, 2.0',
        'flask 1.0 (demo.txt): PYSEC-2, no fixed version known']
    assert skipped == ['local: not in the database']
