// SPDX-License-Identifier: Apache-2.0
// Lines over time on a canvas, from 0 to 100 %: axes, a grid, dashes and a cursor.

const LEFT_PX = 44;
const BOTTOM_PX = 24;
const TOP_PX = 6;
const RIGHT_PX = 6;
const SHARES = [0, 0.25, 0.5, 0.75, 1];
// The charts of all people show the time under the pointer.
const charts = new Set();
let pointed = null;

export class Chart {
  /**
   * @param {HTMLElement} box gets the canvas.
   * @param {object} look `height` in px; `ink`, `grid`: colors; `lines`: each with `color`,
   *   `width` and `dash`; `tick(time)`: the words below a time.
   */
  constructor(box, look) {
    this.look = look;
    this.canvas = document.createElement('canvas');
    this.canvas.style.display = 'block';
    box.append(this.canvas);
    this.columns = [[]];
    this.begin = 0;
    this.end = 1;
    this.ticks = [];
    this.width = 0;
    this.canvas.addEventListener('pointermove', (event) => this.point(event));
    this.canvas.addEventListener('pointerleave', () => this.point(null));
    charts.add(this);
  }

  /** Draw columns: times in seconds, rising, then values in [0, 1] or null for each line. */
  show(columns, begin, end, ticks) {
    Object.assign(this, { columns, begin, end, ticks });
    this.draw();
  }

  resize(width) {
    this.width = width;
    this.draw();
  }

  destroy() {
    charts.delete(this);
    this.canvas.remove();
  }

  point(event) {
    const inside = event && event.offsetX >= LEFT_PX && event.offsetX <= this.width - RIGHT_PX;
    pointed = inside ? this.time(event.offsetX) : null;
    for (const chart of charts) chart.draw();
  }

  x(time) {
    const span = this.width - LEFT_PX - RIGHT_PX;
    return LEFT_PX + (span * (time - this.begin)) / (this.end - this.begin);
  }

  time(x) {
    const span = this.width - LEFT_PX - RIGHT_PX;
    return this.begin + ((x - LEFT_PX) * (this.end - this.begin)) / span;
  }

  y(share) {
    return TOP_PX + (this.look.height - TOP_PX - BOTTOM_PX) * (1 - share);
  }

  draw() {
    const { height, ink, grid, tick } = this.look;
    if (!(this.width > LEFT_PX + RIGHT_PX) || !(this.end > this.begin)) return;
    const density = devicePixelRatio || 1;
    const [pixels, rows] = [Math.round(this.width * density), Math.round(height * density)];
    if (this.canvas.width !== pixels || this.canvas.height !== rows) {
      Object.assign(this.canvas, { width: pixels, height: rows });
      Object.assign(this.canvas.style, { width: `${this.width}px`, height: `${height}px` });
    }
    const pen = this.canvas.getContext('2d');
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.clearRect(0, 0, this.width, height);
    pen.font = '12px system-ui';
    pen.fillStyle = ink;
    pen.lineWidth = 1;
    pen.strokeStyle = grid;
    pen.setLineDash([]);
    pen.textAlign = 'right';
    pen.textBaseline = 'middle';
    for (const share of SHARES) {
      this.stroke(pen, [[LEFT_PX, this.y(share)], [this.width - RIGHT_PX, this.y(share)]]);
      pen.fillText(`${Math.round(100 * share)} %`, LEFT_PX - 6, this.y(share));
    }
    pen.textBaseline = 'top';
    for (const time of this.ticks) {
      const x = this.x(time);
      this.stroke(pen, [[x, TOP_PX], [x, this.y(0)]]);
      const words = tick(time);
      // The last label would extend past the border.
      pen.textAlign = x + pen.measureText(words).width / 2 > this.width ? 'right' : 'center';
      pen.fillText(words, pen.textAlign === 'right' ? this.width : x, this.y(0) + 7);
    }
    pen.save();
    pen.beginPath();
    pen.rect(LEFT_PX, 0, this.width - LEFT_PX - RIGHT_PX, height);
    pen.clip();
    this.look.lines.forEach((line, i) => this.line(pen, line, this.columns[i + 1] ?? []));
    if (pointed !== null) {
      pen.strokeStyle = ink;
      pen.lineWidth = 1;
      pen.setLineDash([2, 2]);
      this.stroke(pen, [[this.x(pointed), TOP_PX], [this.x(pointed), this.y(0)]]);
    }
    pen.restore();
  }

  line(pen, { color, width, dash }, values) {
    pen.strokeStyle = color;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    let part = [];
    values.forEach((value, i) => {
      // The line has a gap where there is no data.
      if (value === null) {
        this.stroke(pen, part);
        part = [];
      } else {
        part.push([this.x(this.columns[0][i]), this.y(value)]);
      }
    });
    this.stroke(pen, part);
  }

  stroke(pen, points) {
    if (points.length < 2) return;
    pen.beginPath();
    points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.stroke();
  }
}
