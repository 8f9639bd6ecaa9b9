# SPDX-License-Identifier: Apache-2.0
"""Write a report as one HTML file with embedded images and charts."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import cv2
from fer_ros.errors import ConfigurationError
import numpy as np

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 62em; padding: 0 1em;
       color: #222; background: #fff }
table { border-collapse: collapse; margin: 1em 0 }
th, td { border-bottom: 1px solid #ccc; padding: .3em .9em; text-align: left }
td.number { text-align: right; font-variant-numeric: tabular-nums }
figure { display: inline-block; margin: 0 1em 1em 0; vertical-align: top }
figcaption { color: #555; font-size: 13px } svg text { font: 12px system-ui, sans-serif }
img { max-width: 100% }
"""
_COLORS = ('#1f6fb4', '#d1600a', '#2a8f3c', '#8a4fb0', '#777777', '#b8a000', '#c22f4e')


class Page:
    """An HTML report that is built from top to bottom."""

    def __init__(self, title: str):
        self._title = title
        self._parts: list[str] = []

    def heading(self, text: str) -> None:
        """Add a heading."""
        self._parts.append(f'<h2>{escape(text)}</h2>')

    def paragraph(self, text: str) -> None:
        """Add a paragraph."""
        self._parts.append(f'<p>{escape(text)}</p>')

    def table(self, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add a table; numbers are right-aligned."""
        body = ''.join('<tr>' + ''.join(map(_cell, row)) + '</tr>' for row in rows)
        names = ''.join(f'<th>{escape(name)}</th>' for name in head)
        self._parts.append(f'<table><tr>{names}</tr>{body}</table>')

    def show(self, title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add a heading and a table, and print both to the terminal."""
        rows = [tuple(row) for row in rows]
        self.heading(title)
        self.table(head, rows)
        cells = [[str(name) for name in head]] + [[number(value) for value in row]
                                                  for row in rows]
        widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
        print(title)
        for row in cells:
            print('  ' + '  '.join(cell.ljust(width) if k == 0 else cell.rjust(width)
                                   for k, (cell, width) in enumerate(zip(row, widths))))

    def picture(self, image: np.ndarray, caption: str) -> None:
        """Add an image: uint8 BGR or gray."""
        good, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 85])
        if not good:
            return
        text = base64.b64encode(data.tobytes()).decode()
        self._parts.append(f'<figure><img alt="{escape(caption)}" '
                           f'src="data:image/jpeg;base64,{text}">'
                           f'<figcaption>{escape(caption)}</figcaption></figure>')

    def chart(self, lines: dict[str, tuple[Sequence[float], Sequence[float]]], *, x: str, y: str,
              steps: bool = False) -> None:
        """Add a chart of named lines, each its x and y values."""
        self._parts.append(_chart(lines, x, y, steps))

    def write(self, path: str | Path) -> None:
        """Write the file; ConfigurationError when that fails."""
        text = (f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
                f'<title>{escape(self._title)}</title><style>{_STYLE}</style></head><body>'
                f'<h1>{escape(self._title)}</h1>{"".join(self._parts)}</body></html>\n')
        write_text(path, text)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file and the folders above it; ConfigurationError when that fails."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    except OSError as error:
        raise ConfigurationError(f"'{path}' cannot be written: {error.strerror}") from error


def number(value: object) -> str:
    """Return a value as text: three decimals for numbers, a dash for None."""
    if value is None:
        return '-'
    if isinstance(value, float):
        return f'{value:.3f}' if abs(value) < 100 else f'{value:.0f}'
    return str(value)


def _cell(value: object) -> str:
    kind = ' class="number"' if isinstance(value, (int, float)) or value is None else ''
    return f'<td{kind}>{escape(number(value))}</td>'


def _chart(lines: dict[str, tuple[Sequence[float], Sequence[float]]], x: str, y: str,
           steps: bool) -> str:
    width, height, left, bottom, top, right = 640, 300, 50, 40, 10, 10
    xs = np.concatenate([np.asarray(line[0], float) for line in lines.values()] or [[0.0]])
    ys = np.concatenate([np.asarray(line[1], float) for line in lines.values()] or [[0.0]])
    x0, x1 = (float(xs.min()), float(xs.max())) if xs.size else (0.0, 1.0)
    y0, y1 = (min(0.0, float(ys.min())), float(ys.max())) if ys.size else (0.0, 1.0)
    x1, y1 = x1 if x1 > x0 else x0 + 1, y1 if y1 > y0 else y0 + 1

    def place(px: float, py: float) -> tuple[float, float]:
        return (left + (px - x0) / (x1 - x0) * (width - left - right),
                height - bottom - (py - y0) / (y1 - y0) * (height - bottom - top))
    out = [f'<svg width="{width}" height="{height}" role="img" aria-label="{escape(y)} over '
           f'{escape(x)}">']
    for k in range(5):
        px, py = x0 + (x1 - x0) * k / 4, y0 + (y1 - y0) * k / 4
        (cx, _), (_, cy) = place(px, y0), place(x0, py)
        out.append(f'<text x="{cx:.0f}" y="{height - bottom + 16}" text-anchor="middle">{px:.3g}'
                   f'</text><text x="{left - 6}" y="{cy + 4:.0f}" text-anchor="end">{py:.3g}'
                   f'</text><path d="M{left} {cy:.1f}H{width - right}" stroke="#e4e4e4"/>')
    for k, (name, (px, py)) in enumerate(lines.items()):
        points = [place(a, b) for a, b in zip(px, py)]
        color = _COLORS[k % len(_COLORS)]
        path = ''
        for i, (a, b) in enumerate(points):
            path += f'M{a:.1f} {b:.1f}' if not i else (
                f'H{a:.1f}V{b:.1f}' if steps else f'L{a:.1f} {b:.1f}')
        out.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.6"/>'
                   f'<text x="{left + 10}" y="{top + 14 + 15 * k}" fill="{color}">{escape(name)}'
                   '</text>')
    out.append(f'<text x="{(left + width) / 2:.0f}" y="{height - 6}" text-anchor="middle">'
               f'{escape(x)}</text><text x="4" y="{top + 4}">{escape(y)}</text></svg>')
    return '<p>' + ''.join(out) + '</p>'
