# SPDX-License-Identifier: Apache-2.0
"""Detect the CPU's vector instructions, which decide how fast networks run."""

from pathlib import Path

#: Flags in /proc/cpuinfo and the names of the instruction sets, the fastest for int8 first.
_SETS = (('avx512_vnni', 'AVX-512 VNNI'), ('avx_vnni', 'AVX-VNNI'), ('avx512f', 'AVX-512'),
         ('avx2', 'AVX2'), ('avx', 'AVX'), ('i8mm', 'NEON i8mm'), ('asimddp', 'NEON dotprod'),
         ('asimd', 'NEON'), ('neon', 'NEON'))


def instruction_set(cpuinfo: str | None = None) -> str:
    """
    Return the best vector instructions of this CPU, such as 'AVX2'; '' if unknown.

    :param cpuinfo: the content of /proc/cpuinfo; None: this machine's.
    """
    if cpuinfo is None:
        try:
            cpuinfo = Path('/proc/cpuinfo').read_text(encoding='utf-8', errors='replace')
        except OSError:
            return ''
    flags = {flag for line in cpuinfo.splitlines() if line.startswith(('flags', 'Features'))
             for flag in line.partition(':')[2].split()}
    return next((name for flag, name in _SETS if flag in flags), '')
