// SPDX-License-Identifier: Apache-2.0
// The rooms: emotion, devices and controls.

import { arrange, make, say, section, setText } from '../dom.js';
import { post } from '../server.js';
import { count, describe, percent, plain, spell } from '../words.js';

// More rooms get a separate row, side by side.
const NARROW_UP_TO = 1;
// The swatch of a device without a color.
const SILENT = { scene: 'a scene', message: 'messages' };
const SIGNS = { blind: '▤', scene: '✦', message: '✉', switch: '⏻', volume: '♪' };
// In these states a device is changing to the requested state.
const UNDER_WAY = ['commanded', 'settling', 'restoring'];

const MARKUP = `<article class="card room">
  <div class="head"><h3></h3><button class="switch"></button></div>
  <ul class="devices"></ul>
  <dl>
    <dt>Emotion</dt><dd class="emotion"></dd>
    <dt>State</dt><dd class="state"></dd>
    <dt class="last-title">Last</dt><dd class="last"></dd>
  </dl>
  <div class="controls" role="group">
    <label>Policy <select class="policy"></select></label>
    <button class="revert">Undo</button>
    <button class="resume">Resume</button>
  </div>
  <p class="answer" role="status"></p></article>`;

function stateOf(device) {
  if (!device.available) return 'cannot be reached';
  if (!device.known) return SILENT[device.kind] ?? 'has not reported its state';
  return describe(device);
}

const shining = (light) => (light?.on ? light : null);
const tone = (light) => light?.color ?? (light ? '#fff4d6' : 'transparent');

class Room {
  constructor(name) {
    this.name = name;
    this.box = make(MARKUP);
    this.box.dataset.room = name;
    this.get('.switch').addEventListener('click', (event) =>
      this.command(event.currentTarget.dataset.action));
    this.get('.revert').addEventListener('click', () => this.command('revert'));
    this.get('.resume').addEventListener('click', () => this.command('resume'));
    this.get('.policy').addEventListener('change', (event) =>
      this.command('policy', event.currentTarget.value));
  }

  get = (selector) => this.box.querySelector(selector);

  async command(action, policy = '') {
    const answer = this.get('.answer');
    setText(answer, 'Asking the bridge ...');
    try {
      const reply = await post(`/api/home/${action}`, { room: this.name, policy });
      const { ok, message } = await reply.json();
      setText(answer, ok ? `Done: ${message}` : `Not done: ${message}`);
    } catch {
      setText(answer, 'Not done: no connection.');
    }
  }

  /** @param {object[]} actions of this room, the newest first. */
  update(room, actions, there) {
    const title = room.title === room.name ? plain(room.name) : room.title;
    setText(this.get('h3'), title);
    this.get('.controls').setAttribute('aria-label', `Controls of ${title}`);
    this.showDevices(room.devices, actions);
    setText(this.get('.emotion'), !room.enabled ? 'not read' : room.emotion === null
      ? 'not known' : room.emotion + (room.emotion === 'nobody' ? ''
        : `, ${percent(room.confidence)} sure, ${count(room.faces, 'face')}`));
    setText(this.get('.state'), (room.enabled ? 'on' : 'off')
      + (room.on_hold ? `, on hold for another ${spell(room.hold_left_s)}: ${room.hold_reason}`
        : room.blocked_reason ? `, waiting: ${room.blocked_reason}` : ''));
    // The list of actions says it already, unless this page came later.
    const last = actions.length ? null : room.last;
    say(this.get('.last'), last ? `${last.target}: ${describe(last.request)}, because ${
      last.reason}` : '');
    this.get('.last-title').hidden = !last;
    this.showControls(room, there);
  }

  showControls(room, there) {
    const toggle = this.get('.switch');
    toggle.dataset.action = room.enabled ? 'disable' : 'enable';
    setText(toggle, room.enabled ? 'Switch off' : 'Switch on');
    const select = this.get('.policy');
    if ([...select.options].map((option) => option.value).join() !== room.policies.join()) {
      select.replaceChildren(...room.policies.map((name) => new Option(name, name)));
    }
    if (document.activeElement !== select || select.dataset.now !== room.policy) {
      select.value = room.policy;
    }
    select.dataset.now = room.policy;
    select.hidden = room.policies.length === 0;
    this.get('.resume').hidden = !room.on_hold;
    for (const control of this.box.querySelectorAll('button, select')) control.disabled = !there;
  }

  showDevices(devices, actions) {
    const list = this.get('.devices');
    while (list.children.length < devices.length) {
      list.append(make('<li><span class="lamp" aria-hidden="true"></span><span class="text"></span>'
        + '</li>'));
    }
    while (list.children.length > devices.length) list.lastElementChild.remove();
    devices.forEach((device, i) => this.showDevice(list.children[i], device, UNDER_WAY.includes(
      device.state) ? actions.find((action) => action.target === device.name)?.request : null));
  }

  /** @param {object} [goal] what a device that is on its way was asked for. */
  showDevice(item, device, goal) {
    item.dataset.device = device.name;
    const now = stateOf(device);
    const then = goal ? describe(goal) : now;
    setText(item.querySelector('.text'),
      `${device.name}: ${now}${then === now ? '' : ` → ${then}`}`);
    const lamp = item.querySelector('.lamp');
    lamp.classList.toggle('sign', device.kind in SIGNS);
    setText(lamp, SIGNS[device.kind] ?? '');
    if (device.kind in SIGNS) return;
    const light = shining(device.light);
    // During a fade the left half is the present color, the right half the target.
    const next = goal ? shining(goal.light) : light;
    lamp.dataset.color = light ? light.color ?? 'unknown' : 'off';
    lamp.classList.toggle('fading', Boolean(goal));
    lamp.style.background = goal
      ? `linear-gradient(90deg, ${tone(light)} 50%, ${tone(next)} 50%)` : tone(light);
    const glow = light ? light.brightness ?? 1 : 0;
    lamp.style.boxShadow = light ? `0 0 ${Math.round(4 + 16 * glow)}px ${tone(light)}` : 'none';
  }
}

export class RoomsCard {
  constructor() {
    this.section = section('rooms', 'The home', `<p class="absent soft" hidden></p>
      <div class="list"></div>`);
    this.rooms = new Map();
  }

  home(home) {
    const there = home.status === 'active';
    say(this.section.querySelector('.absent'), there ? '' : home.reason);
    for (const name of this.rooms.keys()) {
      if (!home.rooms.some((room) => room.name === name)) this.rooms.delete(name);
    }
    for (const room of home.rooms) {
      if (!this.rooms.has(room.name)) this.rooms.set(room.name, new Room(room.name));
      this.rooms.get(room.name).update(
        room, home.actions.filter((action) => action.room === room.name), there);
    }
    this.section.classList.toggle('many', home.rooms.length > NARROW_UP_TO);
    arrange(this.section.querySelector('.list'),
      home.rooms.map((room) => this.rooms.get(room.name).box));
  }
}
