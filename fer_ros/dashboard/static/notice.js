// SPDX-License-Identifier: Apache-2.0
// Above all cards: the notice of emotion recognition, problems, and text for screen readers.

import { byId, say, setText } from './dom.js';
import { capital, count, personName, plain } from './words.js';

const PAUSE_MS = 3000;
// Number of people whose last announcement is remembered.
const MOODS = 100;

/** Let a screen reader say something. */
export const announce = (text) => setText(byId('announcer'), text);

export class Notice {
  constructor() {
    this.stored = '';  // whether pictures are stored: shown only once it is known
    this.moods = new Map();
    this.saidMs = 0;
  }

  hello(hello) {
    this.stored = hello.recording ? `Pictures are being stored in ${hello.recording}.`
      : 'No picture is stored.';
    setText(byId('stored'), this.stored);
    setText(byId('version'), `fer_ros ${hello.version}`);
    byId('sign-out').hidden = !hello.signed_in;
    this.connection('');
  }

  /** Say what is wrong with the connection; empty: nothing. */
  connection(text) {
    say(byId('connection'), text);
    document.body.classList.toggle('lost', Boolean(text));
    // What is shown is what was: the page says so rather than let it pass for now.
    if (text) setText(byId('notice-text'), 'What the cameras see is not known at the moment.');
  }

  people(data) {
    const live = data.cameras.filter((camera) => camera.status === 'live');
    const people = data.cameras.reduce((sum, camera) => sum + camera.people.length, 0);
    const ended = data.cameras.find((camera) => camera.picture.status === 'ended');
    setText(byId('notice-text'), live.length
      ? `${count(live.length, 'camera')} read on this machine, ${
        count(people, 'person', 'people')} seen. ${this.stored}`
      : ended ? `${capital(ended.picture.reason)}.` : 'No emotions are arriving at the moment.');
    for (const camera of live) {
      for (const person of camera.people) this.mood(camera.name, person);
    }
  }

  mood(camera, { id, label }) {
    // Screen readers get changes, not every value; changes that come too soon are announced later.
    const key = `${camera}/${id}`;
    if (this.moods.get(key) === label || Date.now() - this.saidMs < PAUSE_MS) return;
    this.moods.set(key, label);
    if (this.moods.size > MOODS) this.moods.delete(this.moods.keys().next().value);
    this.saidMs = Date.now();
    announce(`${personName(camera, id)} now looks ${label}.`);
  }

  health(nodes) {
    const troubled = nodes.filter((node) => node.level !== 'ok');
    say(byId('trouble'), troubled.length === 0 ? '' : troubled.length === 1
      ? `${plain(troubled[0].name)}: ${troubled[0].level}`
      : `${troubled.length} parts need attention`);
  }
}
