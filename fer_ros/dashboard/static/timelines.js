// SPDX-License-Identifier: Apache-2.0
// The last minutes by person.

import { Chart } from './chart.js';
import { LABELS, fill, setText } from './common.js';

const WINDOW_S = 300;
const SHORTEST_S = 60;
const STEP_S = 0.5;
const ROWS = 8;
// Who was there for a moment only has nothing to draw.
const FEWEST = 4;
const HEIGHT_PX = 130;
// Dashes tell the lines apart for those who see no colors.
const DASHES = { angry: [], disgust: [8, 3], fear: [2, 3], happy: [], sad: [6, 3, 2, 3],
  surprise: [10, 4], neutral: [1, 4] };
const WIDTHS = { happy: 3, angry: 2 };

const ago = (seconds) => (seconds < 1 ? 'now' : seconds < 60 || seconds % 60 > 0.5
  ? `${Math.round(seconds)} s ago` : `${Math.round(seconds / 60)} min ago`);

const color = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export class Timelines {
  constructor(box, none) {
    this.box = box;
    this.none = none;
    this.rows = new Map();
    this.now = 0;
    this.begin = this.shown = 0;
    this.dirty = false;
    setInterval(() => this.draw(), 1000 * STEP_S);
    new ResizeObserver(() => {
      const width = this.width();
      for (const row of this.rows.values()) {
        if (row.plot.width !== width) row.plot.resize(width);
      }
    }).observe(box);
  }

  width() {
    return Math.max(200, this.box.clientWidth - 20);
  }

  async load() {
    const answer = await fetch('/api/timeline?minutes=5').catch(() => null);
    if (!answer?.ok) return;
    const people = await answer.json();
    people.sort((a, b) => a.time_s.at(-1) - b.time_s.at(-1));
    for (const person of people.slice(-ROWS)) {
      const row = this.row(person.camera, person.id);
      row.data = [person.time_s, ...LABELS.map((label) => person[label])];
      row.last = person.time_s.at(-1);
      this.now = Math.max(this.now, row.last);
      this.dirty = true;
    }
  }

  add(data) {
    if (Math.abs(data.time_s - this.now) > WINDOW_S) this.clear();
    this.now = data.time_s;
    for (const camera of data.cameras) {
      for (const person of camera.people) {
        const row = this.row(camera.name, person.id);
        if (data.time_s - row.last < STEP_S) continue;
        // A gap in the line where the person was away.
        if (data.time_s - row.last > 3 && row.data[0].length) {
          row.data[0].push(row.last + 0.01);
          LABELS.forEach((_, i) => row.data[i + 1].push(null));
        }
        row.data[0].push(data.time_s);
        LABELS.forEach((label, i) => row.data[i + 1].push(person.filtered[label]));
        row.last = data.time_s;
        row.label = person.label;
        this.dirty = true;
      }
    }
    this.trim();
  }

  trim() {
    const begin = this.now - WINDOW_S;
    for (const [key, row] of this.rows) {
      while (row.data[0].length && row.data[0][0] < begin) row.data.forEach((c) => c.shift());
      if (row.last < begin) this.remove(key);
    }
    while (this.rows.size > ROWS) {
      const [oldest] = [...this.rows].reduce((a, b) => (a[1].last <= b[1].last ? a : b));
      this.remove(oldest);
    }
    this.none.hidden = [...this.rows.values()].some((row) => row.data[0].length >= FEWEST);
  }

  remove(key) {
    const row = this.rows.get(key);
    row.plot.destroy();
    row.box.remove();
    this.rows.delete(key);
  }

  clear() {
    for (const key of [...this.rows.keys()]) this.remove(key);
  }

  row(camera, id) {
    const key = `${camera}/${id}`;
    if (!this.rows.has(key)) {
      const box = document.createElement('div');
      box.className = 'timeline';
      box.hidden = true;
      fill(box, '<h3></h3><div class="plot" role="img"></div>');
      setText(box.querySelector('h3'), camera === 'camera' ? `Person ${id}`
        : `Person ${id}, ${camera}`);
      this.box.append(box);
      const row = { box, name: `Person ${id}`, last: -Infinity, label: '',
        data: [[], ...LABELS.map(() => [])] };
      row.plot = this.plot(row);
      this.rows.set(key, row);
      this.legend();
    }
    return this.rows.get(key);
  }

  plot(row) {
    const chart = new Chart(row.box.querySelector('.plot'), {
      height: HEIGHT_PX, ink: color('soft'), grid: color('bar'),
      tick: (time) => ago(this.shown - time),
      lines: LABELS.map((label) => ({
        color: color(label), width: WIDTHS[label] ?? 1.5, dash: DASHES[label] })),
    });
    chart.resize(this.width());
    return chart;
  }

  splits() {
    const span = this.shown - this.begin;
    const step = span > 150 || this.box.clientWidth < 500 ? 60 : 15;
    const count = Math.floor(span / step + 1e-6);
    return Array.from({ length: count + 1 }, (_, i) => this.shown - step * (count - i));
  }

  legend() {
    let legend = this.box.querySelector('.legend');
    if (!legend) {
      legend = document.createElement('ul');
      legend.className = 'legend';
      legend.setAttribute('aria-label', 'Lines of the charts');
      this.box.prepend(legend);
      for (const label of LABELS) {
        const item = document.createElement('li');
        fill(item, `<svg viewBox="0 0 28 8" aria-hidden="true"><path d="M0 4H28" fill="none"
          stroke="var(--${label})" stroke-width="${WIDTHS[label] ?? 2}"
          stroke-dasharray="${DASHES[label].join(' ')}"/></svg> ${label}`);
        legend.append(item);
      }
    }
  }

  draw() {
    if (document.visibilityState !== 'visible') return;
    // Time goes on where nobody is.
    if (!this.dirty && !(this.rows.size && this.now - this.shown >= STEP_S)) return;
    this.dirty = false;
    this.shown = this.now;
    const first = Math.min(...[...this.rows.values()].map((row) => row.data[0][0] ?? this.now));
    this.begin = Math.max(this.now - WINDOW_S, Math.min(first, this.now - SHORTEST_S));
    const ticks = this.splits();
    for (const row of this.rows.values()) {
      row.box.hidden = row.data[0].length < FEWEST;
      row.plot.show(row.data, this.begin, this.shown, ticks);
      const means = LABELS.map((label, i) => {
        const values = row.data[i + 1].filter((value) => value !== null);
        return [label, values.reduce((sum, value) => sum + value, 0) / (values.length || 1)];
      }).sort((a, b) => b[1] - a[1]);
      row.box.querySelector('.plot').setAttribute('aria-label',
        `Chart of the last five minutes of ${row.name}: mostly ${means[0][0]}, ${
          Math.round(100 * means[0][1])} % on average${row.label ? `; now ${row.label}` : ''}`);
    }
  }

  repaint() {
    for (const row of this.rows.values()) {
      row.plot.destroy();
      row.plot = this.plot(row);
    }
    this.dirty = true;
  }
}
