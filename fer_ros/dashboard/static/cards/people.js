// SPDX-License-Identifier: Apache-2.0
// The people in view: few in full, more as rows that open.

import { arrange, make, say, section, setText } from '../dom.js';
import { color, LABELS, mixture } from '../emotions.js';
import { onSelect } from '../selection.js';
import { capital, gazeWords, percent, personName, spell } from '../words.js';

const OPEN_UP_TO = 2;
const TRAIL = 40;
// A person missed in an image or two stays.
const FADE_MS = 1500;
const HARD_TO_SEE = 0.25;

const MARKUP = `<li class="card person"><details>
  <summary><h3><span class="who"></span> <span class="label"></span></h3>
    <span class="since"></span><span class="mixture" aria-hidden="true"></span></summary>
  <p class="attention soft" hidden></p>
  <div class="columns">
    <ul class="bars" aria-label="Probabilities"></ul>
    <figure><svg viewBox="-1.42 -1.42 2.84 2.84" role="img">
      <title>Valence and arousal</title>
      <rect class="plane" x="-1" y="-1" width="2" height="2"/>
      <path class="axes" d="M-1 0H1M0-1V1"/>
      <polyline class="trail" fill="none"/>
      <circle class="point" r="0.09"/>
      <g class="ends" aria-hidden="true">
        <text y="-1.12">excited</text>
        <text y="1.3">calm</text>
        <text y="-1.12" transform="rotate(-90)">unpleasant</text>
        <text y="-1.12" transform="rotate(90)">pleasant</text>
      </g>
    </svg></figure>
  </div></details></li>`;

class Person {
  constructor(key, id, camera) {
    this.box = make(MARKUP);
    this.box.dataset.person = key;
    this.name = personName(camera, id);
    this.details = this.box.querySelector('details');
    this.label = this.box.querySelector('.label');
    this.trail = [];
    // Whether the user opened or closed it: then it stays so.
    this.chosen = false;
    setText(this.box.querySelector('.who'), this.name);
    this.rows = new Map(LABELS.map((label) => [label, this.row(label)]));
    this.box.querySelector('summary').addEventListener('click', () => { this.chosen = true; });
    this.details.addEventListener('toggle', () => this.showDetails());
  }

  row(label) {
    const row = make(`<li data-label="${label}"><span>${label}</span><span class="track"><span
      class="fill"></span><span class="now"></span></span><span class="value"></span></li>`);
    const [bar, mark, value] = ['.fill', '.now', '.value'].map((part) => row.querySelector(part));
    bar.style.background = color(label);
    this.box.querySelector('.bars').append(row);
    return { row, bar, mark, value };
  }

  open() {
    this.chosen = true;
    this.details.open = true;
    this.box.scrollIntoView({ block: 'nearest' });
  }

  update(person, few) {
    this.person = person;
    if (!this.chosen && this.details.open !== few) this.details.open = few;
    if (setText(this.label, person.label)) {
      this.box.style.setProperty('--emotion', color(person.label));
    }
    setText(this.box.querySelector('.since'), this.since(person));
    say(this.box.querySelector('.attention'), capital(gazeWords(person.attention)));
    this.trail.push(`${person.valence.toFixed(3)},${(-person.arousal).toFixed(3)}`);
    if (this.trail.length > TRAIL) this.trail.shift();
    if (this.details.open) this.showDetails();
    else this.box.querySelector('.mixture').style.background = mixture(person.filtered);
  }

  since({ confidence, duration_s: lasted, quality }) {
    if (!this.details.open) return `${percent(confidence)}, ${lasted < 1 ? 'new' : spell(lasted)}`;
    return `${percent(confidence)} sure, ${lasted < 1 ? 'just now' : `for ${spell(lasted)}`}`
      + (quality < HARD_TO_SEE ? ', the face is hard to see' : '');
  }

  showDetails() {
    const { person } = this;
    for (const [label, { row, bar, mark, value }] of this.rows) {
      const overTime = person.filtered[label];
      bar.style.transform = `scaleX(${overTime})`;
      mark.style.transform = `translateX(${100 * person.probabilities[label]}%)`;
      setText(value, percent(overTime));
      row.classList.toggle('top', label === person.label);
    }
    this.box.querySelector('.trail').setAttribute('points', this.trail.join(' '));
    const point = this.box.querySelector('.point');
    point.setAttribute('cx', person.valence);
    point.setAttribute('cy', -person.arousal);
    setText(this.box.querySelector('title'), `Valence ${person.valence.toFixed(1)}, arousal ${
      person.arousal.toFixed(1)}, each from minus 1 to 1`);
  }
}

export class PeopleCard {
  constructor() {
    this.section = section('people', 'People now', `<p id="nobody">Not known yet.</p>
      <ul id="persons"></ul>
      <p id="legend-people" class="soft" hidden>Bars: over time, which the label follows. Marks:
        the last image alone.</p>`);
    this.persons = new Map();
    onSelect((key) => this.persons.get(key)?.open());
  }

  get = (id) => this.section.querySelector(`#${id}`);

  people(data) {
    const now = Date.now();
    const seen = data.cameras.flatMap((camera) => camera.people.map((person) =>
      ({ key: `${camera.name}/${person.id}`, camera: camera.name, person })));
    for (const { key, camera, person } of seen) {
      if (!this.persons.has(key)) this.persons.set(key, new Person(key, person.id, camera));
      this.persons.get(key).seenMs = now;
    }
    for (const [key, { seenMs }] of this.persons) {
      if (now - seenMs > FADE_MS) this.persons.delete(key);
    }
    const few = this.persons.size <= OPEN_UP_TO;
    this.section.classList.toggle('few', few);
    for (const { key, person } of seen) {
      this.persons.get(key).update(person, few);
    }
    arrange(this.get('persons'), [...this.persons.keys()].sort((a, b) =>
      a.localeCompare(b, undefined, { numeric: true })).map((key) => this.persons.get(key).box));
    this.get('legend-people').hidden = ![...this.persons.values()].some(
      (card) => card.details.open);
    say(this.get('nobody'), this.persons.size ? '' : this.nobody(data.cameras));
  }

  nobody(cameras) {
    if (cameras.some((camera) => camera.status === 'live')) return 'Nobody in view.';
    const ended = cameras.length > 0 && cameras.every(
      (camera) => camera.picture.status === 'ended');
    return ended ? `${capital(cameras[0].picture.reason)}.`
      : 'Not known: no emotions from any camera.';
  }
}
