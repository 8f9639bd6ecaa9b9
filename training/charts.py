# SPDX-License-Identifier: Apache-2.0
"""Small SVG charts and HTML pages for the reports, without a plotting library."""

import base64
from html import escape
import math

import cv2
import numpy as np

# Distinguishable for most color-blind readers (M. Okabe, K. Ito 2008).
COLORS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#999999')

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #8886 }
th:first-child, td:first-child { text-align: left }
figure { display: inline-block; margin: 0 1rem 1rem 0 }
figcaption { font-weight: 600 }
img { image-rendering: pixelated; max-width: 100% }
"""


def page(title: str, *parts: str) -> str:
    """Return a whole HTML page that needs nothing else."""
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>'
            f'<h1>{escape(title)}</h1>\n' + '\n'.join(parts) + '\n</body></html>\n')


def table(header: list[str], rows: list[list], shade: bool = False) -> str:
    """Return an HTML table; with ``shade`` the cells that are shares are colored by value."""
    head = ''.join(f'<th>{escape(str(cell))}</th>' for cell in header)
    body = ''
    for row in rows:
        cells = ''
        for cell in row:
            share = shade and isinstance(cell, float) and math.isfinite(cell)
            style = f' style="background:rgb(0 114 178 / {cell * 0.7:.2f})"' if share else ''
            text = f'{cell:.3f}' if isinstance(cell, float) else escape(str(cell))
            cells += f'<td{style}>{text}</td>'
        body += f'<tr>{cells}</tr>\n'
    return f'<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>'


def lines(title: str, series: dict[str, tuple[list, list]], *, x_label: str = '',
          y_label: str = '', y_range: tuple[float, float] | None = None,
          diagonal: bool = False, width: int = 560, height: int = 360) -> str:
    """Return a line chart as an HTML figure.

    :param series: by name, the x and the y values; points that are not finite are skipped.
    :param diagonal: also draw y = x.
    """
    points = {name: [(float(a), float(b)) for a, b in zip(x, y) if np.isfinite([a, b]).all()]
              for name, (x, y) in series.items()}
    every = [point for values in points.values() for point in values] or [(0.0, 0.0), (1.0, 1.0)]
    x0, x1 = min(p[0] for p in every), max(p[0] for p in every)
    y0, y1 = y_range or (min(p[1] for p in every), max(p[1] for p in every))
    x1, y1 = (x1 if x1 > x0 else x0 + 1), (y1 if y1 > y0 else y0 + 1)
    whole = all(p[0] == int(p[0]) for p in every)
    x_ticks, y_ticks = ticks(x0, x1, whole=whole), ticks(y0, y1)
    left, right, top, bottom = 80, width - 16, 10, height - 44

    def place(x, y):
        return (left + (x - x0) / (x1 - x0) * (right - left),
                bottom - (y - y0) / (y1 - y0) * (bottom - top))

    marks = []
    for y in y_ticks:
        _, py = place(x0, y)
        marks += [f'<line x1="{left}" x2="{right}" y1="{py:.1f}" y2="{py:.1f}" stroke="#8884"/>',
                  f'<text x="{left - 6}" y="{py + 5:.1f}" text-anchor="end">{y:g}</text>']
    for x in x_ticks:
        px, _ = place(x, y0)
        marks += [f'<line x1="{px:.1f}" x2="{px:.1f}" y1="{bottom}" y2="{bottom + 4}" '
                  'stroke="#8888"/>',
                  f'<text x="{px:.1f}" y="{bottom + 19}" text-anchor="middle">{x:g}</text>']
    if diagonal:
        (ax, ay), (bx, by) = place(max(x0, y0), max(x0, y0)), place(min(x1, y1), min(x1, y1))
        marks.append(f'<line x1="{ax:.1f}" y1="{ay:.1f}" x2="{bx:.1f}" y2="{by:.1f}" '
                     'stroke="#888" stroke-dasharray="4"/>')
    legend = []
    for i, (name, values) in enumerate(points.items()):
        color = COLORS[i % len(COLORS)]
        path = ' '.join(f'{a:.1f},{b:.1f}' for a, b in (place(*p) for p in values))
        marks.append(f'<polyline points="{path}" fill="none" stroke="{color}" '
                     'stroke-width="2"/>')
        if name:
            legend.append(f'<span style="color:{color}">&#9632;</span> {escape(name)}')
    marks += [f'<text x="{(left + right) / 2}" y="{height - 6}" text-anchor="middle">'
              f'{escape(x_label)}</text>',
              f'<text x="16" y="{(top + bottom) / 2}" text-anchor="middle" transform="rotate(-90 '
              f'16 {(top + bottom) / 2})">{escape(y_label)}</text>']
    return (f'<figure><figcaption>{escape(title)}</figcaption>'
            f'<svg role="img" aria-label="{escape(title)}" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" '
            'font-size="14" fill="currentColor" style="max-width: 100%; height: auto">'
            f'{"".join(marks)}</svg><br>'
            f'{" &nbsp; ".join(legend)}</figure>')


def ticks(low: float, high: float, *, whole: bool = False, limit: int = 6) -> list[float]:
    """Return round numbers from ``low`` to ``high``: multiples of 1, 2 or 5 times a power of ten.

    :param whole: only whole numbers, as for epochs.
    :param limit: maximum number of ticks.
    """
    step = 10.0 ** math.floor(math.log10((high - low) / limit))
    if whole:
        step = max(step, 1.0)
    for factor in (1, 2, 5, 10, 20):
        first = math.ceil(low / (step * factor) - 1e-9)
        last = math.floor(high / (step * factor) + 1e-9)
        if last - first < limit:
            break
    # Rounded: 3 times 0.1 is 0.30000000000000004.
    return [float(f'{i * step * factor:.12g}') for i in range(first, last + 1)]


def picture(title: str, image: np.ndarray, scale: int = 1) -> str:
    """Return a grayscale or BGR uint8 image as an HTML figure with the picture inside."""
    data = base64.b64encode(cv2.imencode('.png', image)[1]).decode()
    height, width = image.shape[:2]
    return (f'<figure><figcaption>{escape(title)}</figcaption><img alt="{escape(title)}" '
            f'width="{width * scale}" height="{height * scale}" '
            f'src="data:image/png;base64,{data}"></figure>')


def grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Return images ``(n, side, side)`` side by side, row by row, as one image."""
    side = images.shape[1]
    rows = -(-len(images) // columns)
    canvas = np.full((rows * side, columns * side), 255, np.uint8)
    for i, image in enumerate(images):
        y, x = divmod(i, columns)
        canvas[y * side:(y + 1) * side, x * side:(x + 1) * side] = image
    return canvas
