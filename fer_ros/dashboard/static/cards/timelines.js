// SPDX-License-Identifier: Apache-2.0
// The last minutes by person: a ribbon of the strongest emotions, and the lines of all when open;
// under them a lane of where they looked, as far as that is known.

import { Chart } from '../chart.js';
import { make, section, setText } from '../dom.js';
import { color, LABELS, painted } from '../emotions.js';
import { ATTENTION, personName } from '../words.js';

const WINDOW_MIN = 5;
const WINDOW_S = 60 * WINDOW_MIN;
const STEP_S = 0.5;
// A longer absence is a gap.
const AWAY_S = 3;
const ROWS = 8;
const OPEN_UP_TO = 2;
// Nothing is drawn for people in view for a moment only.
const FEWEST = 4;
const HEIGHT_PX = 130;
const RIBBON_PX = 12;
const LANE_PX = 6;
// Dashes tell the lines apart for those who see no colors.
const DASHES = { angry: [], disgust: [8, 3], fear: [2, 3], happy: [], sad: [6, 3, 2, 3],
  surprise: [10, 4], neutral: [1, 4] };
const WIDTHS = { happy: 3, angry: 2 };

const ago = (seconds) => (seconds < 1 ? 'now' : seconds < 60 || seconds % 60 > 0.5
  ? `${Math.round(seconds)} s ago` : `${Math.round(seconds / 60)} min ago`);

/** Paint stretches of time: `colorOf(i)` of each moment, null for none. */
function paintLane(canvas, heightPx, times, begin, end, colorOf) {
  const density = devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * density);
  const height = Math.round(heightPx * density);
  if (canvas.width !== width || canvas.height !== height) {
    Object.assign(canvas, { width, height });
  }
  const pen = canvas.getContext('2d');
  pen.clearRect(0, 0, width, height);
  const x = (time) => (width * (time - begin)) / (end - begin);
  times.forEach((time, i) => {
    const painting = colorOf(i);
    if (!painting) return;
    const next = times[i + 1] ?? Math.min(end, time + STEP_S);
    pen.fillStyle = painting;
    pen.fillRect(x(time), 0, x(next) - x(time) + 0.5, height);
  });
}

/** One person's row. */
class Row {
  constructor(camera, id) {
    this.name = personName(camera, id);
    this.data = [[], ...LABELS.map(() => [])];
    // The state of attention at each of these times; empty where it is not known.
    this.looks = [];
    this.last = -Infinity;
    this.label = '';
    // Whether the user opened or closed it: then it stays so.
    this.chosen = false;
    this.box = make(`<details class="timeline" hidden><summary><h3></h3><span class="lanes">
      <canvas class="ribbon" role="img"></canvas><canvas class="lane" role="img" hidden></canvas>
      </span></summary><div class="plot" role="img"></div></details>`);
    this.ribbon = this.box.querySelector('.ribbon');
    this.lane = this.box.querySelector('.lane');
    this.summary = this.box.querySelector('summary');
    this.plot = this.box.querySelector('.plot');
    setText(this.box.querySelector('h3'), this.name);
    this.summary.addEventListener('click', () => { this.chosen = true; });
  }

  add(time_s, person) {
    if (time_s - this.last < STEP_S) return false;
    if (time_s - this.last > AWAY_S && this.data[0].length) {
      this.data[0].push(this.last + 0.01);
      LABELS.forEach((_, i) => this.data[i + 1].push(null));
      this.looks.push('');
    }
    this.data[0].push(time_s);
    LABELS.forEach((label, i) => this.data[i + 1].push(person.filtered[label]));
    this.looks.push(person.attention?.state ?? '');
    this.last = time_s;
    this.label = person.label;
    return true;
  }

  trim(begin) {
    while (this.data[0].length && this.data[0][0] < begin) {
      for (const column of [...this.data, this.looks]) column.shift();
    }
  }

  get drawable() {
    return this.data[0].length >= FEWEST;
  }

  /** Paint each moment in the color of its strongest emotion, and of its attention. */
  paint(begin, end, colors, attention) {
    const [times, ...values] = this.data;
    if (!this.box.open) {
      paintLane(this.ribbon, RIBBON_PX, times, begin, end, (i) => (values[0][i] === null ? null
        : colors[values.reduce((top, column, k) => (column[i] > values[top][i] ? k : top), 0)]));
    }
    this.lane.hidden = !this.attended;
    if (this.attended) {
      paintLane(this.lane, LANE_PX, times, begin, end, (i) => attention[this.looks[i]]);
    }
  }

  /** Whether it is known where the person looked at some time. */
  get attended() {
    return this.looks.some(Boolean);
  }

  describe(title) {
    const means = LABELS.map((label, i) => {
      const values = this.data[i + 1].filter((value) => value !== null);
      return [label, values.reduce((sum, value) => sum + value, 0) / (values.length || 1)];
    }).sort((a, b) => b[1] - a[1]);
    const words = `${title} of ${this.name}: mostly ${means[0][0]}, ${
      Math.round(100 * means[0][1])} % on average${this.label ? `; now ${this.label}` : ''}`;
    for (const element of [this.plot, this.ribbon]) element.setAttribute('aria-label', words);
    const known = this.looks.filter(Boolean);
    const shares = Object.keys(ATTENTION).map((state) =>
      [state, known.filter((one) => one === state).length / (known.length || 1)]);
    this.lane.setAttribute('aria-label', `Attention of ${this.name}: ${shares
      .filter(([, share]) => share > 0).map(([state, share]) =>
        `${state} ${Math.round(100 * share)} %`).join(', ')}`);
  }
}

export class TimelinesCard {
  constructor() {
    this.section = section('timeline', 'Last minute', `<p>No one seen yet.</p>
      <ul class="legend" aria-label="Lines of the charts" hidden></ul>
      <div id="timelines"></div>`);
    this.box = this.section.querySelector('#timelines');
    this.none = this.section.querySelector('p');
    this.legend = this.section.querySelector('.legend');
    this.legend.append(...LABELS.map((label) => make(`<li><svg viewBox="0 0 28 8"
      aria-hidden="true"><path d="M0 4H28" fill="none" stroke="${color(label)}" stroke-width="${
  WIDTHS[label] ?? 2}" stroke-dasharray="${DASHES[label].join(' ')}"/></svg> ${label}</li>`)));
    this.states = make(`<ul class="legend" aria-label="Colors of the lanes of attention" hidden>
      <li>Attention:</li></ul>`);
    this.states.append(...Object.entries(ATTENTION).map(([state, words]) => make(`<li><svg
      viewBox="0 0 28 8" aria-hidden="true"><path d="M0 4H28" stroke="var(--attention-${state})"
      stroke-width="8"/></svg> ${words}</li>`)));
    this.legend.after(this.states);
    this.rows = new Map();
    this.now = 0;
    this.begin = this.shown = 0;
    this.dirty = false;
    setInterval(() => this.draw(), 1000 * STEP_S);
    new ResizeObserver(() => { this.dirty = true; }).observe(this.box);
  }

  /** Ask for what was before this page was opened. */
  async load() {
    const answer = await fetch(`/api/timeline?minutes=${WINDOW_MIN}`).catch(() => null);
    if (!answer?.ok) return;
    const people = await answer.json();
    people.sort((a, b) => a.time_s.at(-1) - b.time_s.at(-1));
    for (const person of people.slice(-ROWS)) {
      const row = this.row(person.camera, person.id);
      row.data = [person.time_s, ...LABELS.map((label) => person[label])];
      row.looks = person.attention;
      row.last = person.time_s.at(-1);
      this.now = Math.max(this.now, row.last);
    }
    this.dirty = true;
  }

  people(data) {
    if (Math.abs(data.time_s - this.now) > WINDOW_S) this.clear();
    this.now = data.time_s;
    for (const camera of data.cameras) {
      for (const person of camera.people) {
        const row = this.row(camera.name, person.id);
        this.dirty = row.add(data.time_s, person) || this.dirty;
      }
    }
    this.trim();
  }

  trim() {
    for (const [key, row] of this.rows) {
      row.trim(this.now - WINDOW_S);
      if (row.last < this.now - WINDOW_S) this.remove(key);
    }
    while (this.rows.size > ROWS) {
      const [oldest] = [...this.rows].reduce((a, b) => (a[1].last <= b[1].last ? a : b));
      this.remove(oldest);
    }
  }

  remove(key) {
    const row = this.rows.get(key);
    row.chart?.destroy();
    row.box.remove();
    this.rows.delete(key);
  }

  clear() {
    for (const key of [...this.rows.keys()]) this.remove(key);
  }

  row(camera, id) {
    const key = `${camera}/${id}`;
    if (!this.rows.has(key)) {
      const row = new Row(camera, id);
      this.rows.set(key, row);
      this.box.append(row.box);
      row.box.addEventListener('toggle', () => this.redraw());
    }
    return this.rows.get(key);
  }

  chart(row) {
    const chart = new Chart(row.plot, {
      height: HEIGHT_PX, ink: painted('soft'), grid: painted('bar'),
      tick: (time) => ago(this.shown - time),
      lines: LABELS.map((label) => ({
        color: painted(label), width: WIDTHS[label] ?? 1.5, dash: DASHES[label] })),
    });
    return chart;
  }

  ticks(width) {
    const span = this.shown - this.begin;
    const step = span > 150 || width < 500 ? 60 : 15;
    const count = Math.floor(span / step + 1e-6);
    return Array.from({ length: count + 1 }, (_, i) => this.shown - step * (count - i));
  }

  draw() {
    if (document.visibilityState !== 'visible') return;
    // Time advances with nobody in view.
    if (this.dirty || (this.rows.size && this.now - this.shown >= STEP_S)) this.redraw();
  }

  redraw() {
    this.dirty = false;
    this.shown = this.now;
    const drawable = [...this.rows.values()].filter((row) => row.drawable);
    // Whole minutes, as many as have data.
    const first = Math.min(...drawable.map((row) => row.data[0][0]), this.now);
    const minutes = Math.min(WINDOW_MIN, Math.max(1, Math.ceil((this.now - first - STEP_S) / 60)));
    this.begin = this.now - 60 * minutes;
    const title = minutes === 1 ? 'Last minute' : `Last ${minutes} minutes`;
    setText(this.section.querySelector('h2'), title);
    this.none.hidden = drawable.length > 0;
    const present = drawable.filter((row) => this.now - row.last < AWAY_S);
    const longest = Math.max(...drawable.map((row) => row.name.length), 0);
    this.box.style.setProperty('--name', `${longest}ch`);
    const colors = LABELS.map(painted);
    const attention = Object.fromEntries(Object.keys(ATTENTION).map((state) =>
      [state, painted(`attention-${state}`)]));
    for (const row of this.rows.values()) {
      row.box.hidden = !row.drawable;
      if (!row.drawable) continue;
      if (!row.chosen) row.box.open = present.length <= OPEN_UP_TO && present.includes(row);
      row.describe(title);
      row.paint(this.begin, this.shown, colors, attention);
      if (row.box.open) this.drawLines(row);
    }
    this.legend.hidden = drawable.length === 0;
    this.states.hidden = !drawable.some((row) => row.attended);
  }

  drawLines(row) {
    row.chart ??= this.chart(row);
    const width = row.plot.clientWidth;
    if (row.chart.width !== width) row.chart.resize(width);
    row.chart.show(row.data, this.begin, this.shown, this.ticks(width));
  }

  /** Take the colors of another theme. */
  repaint() {
    for (const row of this.rows.values()) {
      row.chart?.destroy();
      row.chart = null;
    }
    this.dirty = true;
  }
}
