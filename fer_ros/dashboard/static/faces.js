// SPDX-License-Identifier: Apache-2.0
// Boxes and labels over a picture, placed so that labels cover neither faces nor each other.

import { make, setText } from './dom.js';
import { colorOnDark } from './emotions.js';
import { select } from './selection.js';
import { percent } from './words.js';

// With more faces the labels are short.
const WORDY_UP_TO = 3;
const LABEL_HEIGHT_PX = 22;
const GAP_PX = 2;
// Thickness of a gaze's mark, as in style.css.
const DOT_PX = 6;
const pen = document.createElement('canvas').getContext('2d');
pen.font = '600 13px system-ui';

const overlap = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width
  && a.y < b.y + b.height && b.y < a.y + a.height;

/** Return the first place for a label that covers nothing, or null. */
function place(box, width, taken, area) {
  const x = Math.max(0, Math.min(box.x, area.width - width));
  return [box.y - LABEL_HEIGHT_PX - GAP_PX, box.y + box.height + GAP_PX, box.y + GAP_PX]
    .map((y) => ({ x, y, width, height: LABEL_HEIGHT_PX }))
    .find((spot) => spot.y >= 0 && spot.y + spot.height <= area.height
      && !taken.some((other) => other !== box && overlap(spot, other))) ?? null;
}

export class Faces {
  /** @param {HTMLElement} layer lies over the picture and has its size. */
  constructor(layer, camera) {
    this.layer = layer;
    this.camera = camera;
    this.shown = new Map();
    this.selected = '';
    this.area = { width: 0, height: 0 };
    this.last = [[], []];
    new ResizeObserver(([entry]) => {
      this.area = entry.contentRect;
      this.draw(...this.last);
    }).observe(layer);
  }

  clear() {
    this.draw([], []);
  }

  /**
   * @param {number[][]} faces [id, x, y, width, height] of each, as shares of the picture.
   * @param {object[]} people of the camera, as in its state.
   */
  draw(faces, people) {
    const { area } = this;
    this.last = [faces, people];
    const boxes = faces.map(([id, x, y, width, height]) => ({
      id, x: x * area.width, y: y * area.height, width: width * area.width,
      height: height * area.height, person: people.find((person) => person.id === id) }));
    for (const [id, element] of this.shown) {
      if (!boxes.some((box) => box.id === id)) {
        element.remove();
        this.shown.delete(id);
      }
    }
    const taken = [...boxes];
    // From the top, so that labels below a face are placed after the faces below it.
    for (const box of boxes.sort((a, b) => a.y - b.y)) {
      const texts = this.texts(box, boxes.length);
      let spot = null;
      let text = '';
      for (text of texts) {
        spot = place(box, pen.measureText(text).width + 16, taken, area);
        if (spot) break;
      }
      spot ??= { x: box.x, y: Math.max(0, box.y) };
      taken.push(spot);
      this.put(box, spot, text);
    }
  }

  texts({ id, person }, count) {
    const short = `${id}`;
    if (!person) return [short];
    const labeled = `${id} ${person.label}`;
    return count > WORDY_UP_TO ? [labeled, short]
      : [`${labeled} ${percent(person.confidence)}`, labeled, short];
  }

  put(box, spot, text) {
    let element = this.shown.get(box.id);
    if (!element) {
      element = make(`<div class="face"><div class="box"></div><div class="tag"></div>
        <div class="gaze" hidden></div></div>`);
      // A shortcut for pointers: by keyboard the list of people does the same.
      element.addEventListener('click', () => select(`${this.camera}/${box.id}`));
      this.layer.append(element);
      this.shown.set(box.id, element);
    }
    element.style.setProperty('--emotion', colorOnDark(box.person?.label ?? 'uncertain'));
    element.classList.toggle('selected', this.selected === `${this.camera}/${box.id}`);
    const [frame, tag, gaze] = element.children;
    Object.assign(frame.style, { transform: `translate(${box.x}px, ${box.y}px)`,
      width: `${box.width}px`, height: `${box.height}px` });
    tag.style.transform = `translate(${spot.x}px, ${spot.y}px)`;
    setText(tag, text);
    this.mark(gaze, box);
  }

  /** A line from between the eyes to where they look; a dot for a look at the camera. */
  mark(element, { person, x, y, width, height }) {
    const { state, eyes, gaze } = person?.attention ?? {};
    element.hidden = !eyes || !gaze;
    if (element.hidden) return;
    element.style.background = `var(--attention-${state})`;
    const [right, down] = state === 'camera' ? [0, 0] : gaze;
    const length = Math.hypot(right, down) * width;
    element.style.width = `${length + DOT_PX}px`;
    element.style.transform = `translate(${x + eyes[0] * width - DOT_PX / 2}px, ${
      y + eyes[1] * height - DOT_PX / 2}px) rotate(${Math.atan2(down, right)}rad)`;
  }
}
