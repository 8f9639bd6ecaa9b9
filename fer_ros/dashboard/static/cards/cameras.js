// SPDX-License-Identifier: Apache-2.0
// The cameras: all in a grid, or one of them large.

import { arrange, make, section, setText } from '../dom.js';
import { Faces } from '../faces.js';
import { followPictures, wantedChanged } from '../picture.js';
import { onSelect } from '../selection.js';
import { remember, remembered } from '../store.js';
import { capital, count } from '../words.js';

const ALL = '*';
// On a phone, one camera is large instead of all small.
const NARROW_PX = 720;

class Camera {
  constructor(name, card) {
    this.name = name;
    this.card = card;
    this.ended = false;
    this.url = '';
    this.people = [];
    this.box = make(`<article class="camera"><h3></h3>
      <div class="view"><img alt="" hidden><div class="faces" aria-hidden="true"></div>
        <p class="why">Waiting for the first picture.</p></div>
      <p class="figures"></p></article>`);
    setText(this.box.querySelector('h3'), name);
    this.view = this.box.querySelector('.view');
    this.image = this.box.querySelector('img');
    this.why = this.box.querySelector('.why');
    this.faces = new Faces(this.box.querySelector('.faces'), name);
    followPictures(name, this);
  }

  get chosen() {
    return this.card.choice === ALL || this.card.choice === this.name;
  }

  get wanted() {
    return this.chosen && this.card.pictures && !this.card.paused
      && document.visibilityState === 'visible';
  }

  end() {
    this.ended = true;
    URL.revokeObjectURL(this.url);
  }

  async show(blob, faces, number) {
    const before = this.url;
    this.url = URL.createObjectURL(blob);
    this.image.src = this.url;
    await this.image.decode().catch(() => {});
    if (before) URL.revokeObjectURL(before);
    if (this.card.paused) return;
    this.image.hidden = !this.wanted;
    this.why.hidden = this.wanted;
    this.image.dataset.number = number;
    this.shape(this.image.naturalWidth, this.image.naturalHeight);
    this.faces.draw(this.wanted ? faces : [], this.people);
  }

  hide(reason) {
    if (this.card.paused) return;  // keep the last picture
    this.image.hidden = true;
    this.why.hidden = false;
    this.faces.clear();
    if (!this.card.pictures) setText(this.why, 'The picture is off: labels only.');
    else if (reason) setText(this.why, this.reason || reason);
  }

  shape(width, height) {
    if (width && height) this.view.style.setProperty('--ratio', width / height);
  }

  update(camera) {
    this.people = camera.people;
    this.reason = capital(camera.picture.reason);
    this.box.classList.toggle('without', camera.picture.status !== 'live');
    const people = camera.people.map((person) =>
      `person ${person.id} looks ${person.label}`).join(', ');
    const alt = camera.status === 'live'
      ? `Live picture. ${people || 'Nobody in view'}.` : 'No live picture.';
    if (this.image.alt !== alt) this.image.alt = alt;
    setText(this.box.querySelector('.figures'), camera.status === 'live'
      ? [`${camera.rate_hz.toFixed(1)} images per second`,
        camera.latency_ms === null ? ''
          : `emotions ${Math.round(camera.latency_ms)} ms after the image`,
        camera.model ? `network ${camera.model}` : ''].filter(Boolean).join(' · ')
      : camera.picture.status === 'ended' ? ''
        : `No emotions from this camera.${camera.reason ? ` ${capital(camera.reason)}` : ''}`);
    if (this.image.hidden) this.shape(camera.width, camera.height);
  }
}

export class CamerasCard {
  constructor() {
    this.section = section('cameras', 'Cameras', `<div class="choice" role="group"
      aria-label="Which camera to show" hidden></div><div class="views"></div>`);
    this.cameras = new Map();
    this.pictures = true;
    this.paused = false;
    this.choice = remembered('camera') ?? '';
    this.latest = [];
    onSelect((key) => {
      for (const { faces } of this.cameras.values()) faces.selected = key;
    });
  }

  /** Show the pictures, or only the labels. */
  setPictures(on) {
    this.pictures = on;
    wantedChanged();
  }

  pause(on) {
    this.paused = on;
    wantedChanged();
  }

  people(data) {
    const names = data.cameras.map((camera) => camera.name);
    for (const [name, camera] of this.cameras) {
      if (!names.includes(name)) {
        camera.end();
        this.cameras.delete(name);
      }
    }
    if (this.choice !== ALL && !names.includes(this.choice)) {
      this.choice = innerWidth < NARROW_PX ? names[0] : ALL;
    }
    for (const camera of data.cameras) {
      if (!this.cameras.has(camera.name)) {
        this.cameras.set(camera.name, new Camera(camera.name, this));
      }
      this.cameras.get(camera.name).update(camera);
    }
    arrange(this.section.querySelector('.views'), names.map((name) => this.cameras.get(name).box));
    this.latest = data.cameras;
    this.showChoice();
  }

  showChoice() {
    const cameras = this.latest;
    const choice = this.section.querySelector('.choice');
    const several = cameras.length > 1;
    choice.hidden = !several;
    this.section.classList.toggle('several', several && this.choice === ALL);
    setText(this.section.querySelector('h2'), several ? 'Cameras' : 'Camera');
    const names = [ALL, ...cameras.map((camera) => camera.name)];
    if (choice.children.length !== names.length) {
      choice.replaceChildren(...names.map((name) => {
        const button = make('<button></button>');
        button.addEventListener('click', () => this.choose(name));
        return button;
      }));
    }
    names.forEach((name, i) => {
      const camera = cameras[i - 1];
      setText(choice.children[i], !camera ? 'All' : camera.status === 'live'
        ? `${name}: ${count(camera.people.length, 'person', 'people')}` : `${name}: silent`);
      choice.children[i].setAttribute('aria-pressed', String(name === this.choice));
    });
    for (const camera of this.cameras.values()) {
      camera.box.hidden = !camera.chosen;
      camera.box.querySelector('h3').hidden = !several || this.choice !== ALL;
    }
  }

  choose(name) {
    this.choice = name;
    remember('camera', name);
    this.showChoice();
    wantedChanged();
  }
}
