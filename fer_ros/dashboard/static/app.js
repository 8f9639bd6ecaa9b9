// SPDX-License-Identifier: Apache-2.0
// The page: follows /api/events, asks for pictures as fast as it can show them.

import { Timelines } from './timelines.js';
import { COLORS, LABELS, byId, colorName, fill, setText, spell } from './common.js';

const TRAIL = 40;
const FADE_MS = 1500;
const PICTURE_PAUSE_MS = 1000;

let csrf = '';
let stored = '';  // whether pictures are stored: said only once it is known
let paused = false;
let latest = null;
const store = {
  get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
  set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode */ } },
};

// Pictures: one request after another, so that a slow line gets fewer of them, never older ones.

class Camera {
  constructor(name) {
    this.name = name;
    this.after = 0;
    this.url = '';
    this.box = document.createElement('article');
    this.box.className = 'camera';
    fill(this.box, `<h2></h2><div class="view">
      <img alt="" hidden><p class="why">Waiting for the first picture.</p></div>
      <p class="figures"></p>`);
    setText(this.box.querySelector('h2'), name === 'camera' ? 'Camera' : `Camera ${name}`);
    this.image = this.box.querySelector('img');
    this.why = this.box.querySelector('.why');
    byId('cameras').append(this.box);
    this.ended = false;
    this.follow();
  }

  end() {
    this.ended = true;
    this.box.remove();
    URL.revokeObjectURL(this.url);
    changed();
  }

  get shown() {
    return byId('show-picture').getAttribute('aria-pressed') === 'true' && !paused
      && document.visibilityState === 'visible';
  }

  async follow() {
    while (!this.ended) {
      if (!this.shown) {
        if (!paused) this.hide(document.visibilityState === 'visible'
          ? 'The picture is off: labels only.' : '');
        await nextChange();
        continue;
      }
      try {
        const path = this.name.split('/').map(encodeURIComponent).join('/');
        const answer = await fetch(`/api/cameras/${path}/picture?after=${this.after}`,
          { signal: AbortSignal.timeout(5000) });
        if (answer.status === 401) { location.href = '/login'; return; }
        if (answer.status === 200) {
          this.after = Number(answer.headers.get('X-Picture'));
          await this.show(await answer.blob());
        } else {
          this.hide(this.reason || 'Waiting for the next picture.');
          if (answer.status !== 204) await sleep(PICTURE_PAUSE_MS);
        }
      } catch {
        this.hide('No connection.');
        await sleep(PICTURE_PAUSE_MS);
      }
    }
  }

  async show(blob) {
    const before = this.url;
    this.url = URL.createObjectURL(blob);
    this.image.src = this.url;
    await this.image.decode().catch(() => {});
    if (before) URL.revokeObjectURL(before);
    this.image.hidden = !this.shown;
    this.why.hidden = this.shown;
    this.image.dataset.number = this.after;
  }

  hide(reason) {
    this.image.hidden = true;
    this.why.hidden = false;
    if (reason) setText(this.why, reason);
  }

  update(camera) {
    this.reason = camera.picture.reason;
    const people = camera.people.map((person) =>
      `person ${person.id} looks ${person.label}`).join(', ');
    const alt = camera.status === 'live'
      ? `Live picture. ${people || 'Nobody is seen'}.` : 'No live picture.';
    if (this.image.alt !== alt) this.image.alt = alt;
    setText(this.box.querySelector('.figures'), camera.status === 'live'
      ? `${camera.rate_hz.toFixed(1)} images a second`
        + (camera.latency_ms === null ? ''
          : ` · emotions ${Math.round(camera.latency_ms)} ms after the image`)
        + (camera.model ? ` · network ${camera.model}` : '')
      : 'No emotions come from this camera.');
    if (camera.width && camera.height) {
      this.box.querySelector('.view').style.aspectRatio = `${camera.width} / ${camera.height}`;
    }
  }
}

const cameras = new Map();
const changes = new Set();
const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });
const nextChange = () => new Promise((done) => { changes.add(done); });
function changed() {
  for (const done of changes) done();
  changes.clear();
}
document.addEventListener('visibilitychange', changed);

// People.

class Person {
  constructor(key, id, camera) {
    this.box = byId('person-template').content.firstElementChild.cloneNode(true);
    this.box.dataset.person = key;
    this.name = camera === 'camera' ? `Person ${id}` : `Person ${id}, ${camera}`;
    setText(this.box.querySelector('.who'), this.name);
    this.rows = new Map();
    for (const label of LABELS) {
      const row = document.createElement('li');
      row.dataset.label = label;
      fill(row, `<span>${label}</span><span class="track"><span class="fill"></span><span
        class="now"></span></span><span class="value"></span>`);
      row.querySelector('.fill').style.background = COLORS[label];
      this.rows.set(label, {
        row, bar: row.querySelector('.fill'), mark: row.querySelector('.now'),
        value: row.querySelector('.value') });
      this.box.querySelector('.bars').append(row);
    }
    this.label = this.box.querySelector('.label');
    this.trail = [];
    byId('persons').append(this.box);
  }

  update(person) {
    if (setText(this.label, person.label)) this.label.style.color = COLORS[person.label];
    setText(this.box.querySelector('.since'),
      `${person.duration_s < 1 ? 'just now' : `for ${spell(person.duration_s)}`}, ${
        percent(person.confidence)} sure`
      + (person.quality < 0.25 ? ', the face is hard to see' : ''));
    for (const [label, { row, bar, mark, value }] of this.rows) {
      const overTime = person.filtered[label];
      bar.style.transform = `scaleX(${overTime})`;
      mark.style.transform = `translateX(${100 * person.probabilities[label]}%)`;
      setText(value, percent(overTime));
      row.classList.toggle('top', label === person.label);
    }
    const { valence: x, arousal } = person;
    this.trail.push(`${x.toFixed(3)},${(-arousal).toFixed(3)}`);
    if (this.trail.length > TRAIL) this.trail.shift();
    this.box.querySelector('.trail').setAttribute('points', this.trail.join(' '));
    const point = this.box.querySelector('.point');
    point.setAttribute('cx', x);
    point.setAttribute('cy', -arousal);
    setText(this.box.querySelector('title'), `Valence ${x.toFixed(1)}, arousal ${
      arousal.toFixed(1)}, each from minus 1 to 1`);
  }
}

const persons = new Map();
const percent = (value) => `${Math.round(100 * value)} %`;
let said = 0;
const moods = new Map();

function announce(key, name, label) {
  // Whoever listens is told of changes, not of every figure; what came too soon is told later.
  if (moods.get(key) === label || Date.now() - said < 3000) return;
  moods.set(key, label);
  said = Date.now();
  setText(byId('announcer'), `${name} now looks ${label}.`);
}

function showPeople(data) {
  const now = Date.now();
  let count = 0;
  for (const [name, camera] of cameras) {
    if (!data.cameras.some((other) => other.name === name)) {
      camera.end();
      cameras.delete(name);
    }
  }
  for (const camera of data.cameras) {
    if (!cameras.has(camera.name)) cameras.set(camera.name, new Camera(camera.name));
    cameras.get(camera.name).update(camera);
    for (const person of camera.people) {
      count += 1;
      const key = `${camera.name}/${person.id}`;
      if (!persons.has(key)) persons.set(key, new Person(key, person.id, camera.name));
      const card = persons.get(key);
      card.seen = now;
      card.update(person);
      announce(key, card.name, person.label);
    }
  }
  for (const [key, card] of persons) {
    if (now - card.seen > FADE_MS) {
      card.box.remove();
      persons.delete(key);
      moods.delete(key);
    }
  }
  const live = data.cameras.filter((camera) => camera.status === 'live').length;
  setText(byId('nobody'), live ? 'Nobody is seen.'
    : 'Not known: no emotions come from any camera.');
  byId('nobody').hidden = persons.size > 0;
  byId('legend-people').hidden = persons.size === 0;
  setText(byId('notice-text'), live
    ? `${live === 1 ? 'A camera is' : `${live} cameras are`} being read on this machine: ${
      count === 1 ? '1 person is' : `${count} people are`} seen. ${stored}`
    : 'No emotions come in at the moment.');
  timelines.add(data);
}

// The home.

async function command(room, action, policy = '') {
  const card = rooms.get(room);
  const answer = card.querySelector('.answer');
  setText(answer, 'Asking the bridge ...');
  try {
    const reply = await fetch(`/api/home/${action}`, {
      method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
      body: JSON.stringify({ room, policy }) });
    const { ok, message } = await reply.json();
    setText(answer, ok ? `Done: ${message}` : `Not done: ${message}`);
  } catch {
    setText(answer, 'Not done: no connection.');
  }
}

const rooms = new Map();

function makeRoom(name) {
  const card = byId('room-template').content.firstElementChild.cloneNode(true);
  const title = name.replaceAll('_', ' ');
  setText(card.querySelector('h3'), title);
  card.dataset.room = name;
  card.querySelector('.controls').setAttribute('aria-label', `Controls of ${title}`);
  card.querySelector('.switch').addEventListener('click', (event) =>
    command(name, event.currentTarget.dataset.action));
  card.querySelector('.revert').addEventListener('click', () => command(name, 'revert'));
  card.querySelector('.resume').addEventListener('click', () => command(name, 'resume'));
  card.querySelector('.policy').addEventListener('change', (event) =>
    command(name, 'policy', event.currentTarget.value));
  byId('rooms').append(card);
  rooms.set(name, card);
  return card;
}

// A light's state, a scene's name or a blind's position, in words.
function describe({ light, scene, position }) {
  if (scene !== undefined) return `scene ${scene}`;
  if (position !== undefined) return `${percent(position)} open`;
  if (!light.on) return 'off';
  return ['on', light.brightness === null ? '' : percent(light.brightness),
    light.color_temperature_k ? `${light.color_temperature_k} K` : '',
    light.color ? colorName(light.color) : ''].filter(Boolean).join(', ');
}

function describeDevice(device) {
  if (!device.available) return 'cannot be reached';
  if (!device.known) return device.kind === 'scene' ? 'a scene' : 'has not said how it is';
  return describe(device);
}

function showDevices(list, devices) {
  while (list.children.length < devices.length) {
    const item = document.createElement('li');
    fill(item, '<span class="lamp" aria-hidden="true"></span><span class="text"></span>');
    list.append(item);
  }
  while (list.children.length > devices.length) list.lastElementChild.remove();
  devices.forEach((device, i) => {
    const item = list.children[i];
    item.dataset.device = device.name;
    setText(item.querySelector('.text'), `${device.name}: ${describeDevice(device)}`);
    const lamp = item.querySelector('.lamp');
    const light = device.light?.on ? device.light : null;
    const color = light?.color ?? '#fff4d6';
    lamp.style.backgroundColor = light ? color : 'transparent';
    lamp.dataset.color = light ? light.color ?? 'unknown' : 'off';
    const glow = light ? light.brightness ?? 1 : 0;
    lamp.style.boxShadow = light ? `0 0 ${Math.round(4 + 16 * glow)}px ${color}` : 'none';
  });
}

function showRoom(room, there) {
  const card = rooms.get(room.name) ?? makeRoom(room.name);
  showDevices(card.querySelector('.devices'), room.devices);
  setText(card.querySelector('.emotion'), !room.enabled ? 'not read' : room.emotion === null
    ? 'not known' : room.emotion + (room.emotion === 'nobody' ? ''
      : `, ${percent(room.confidence)} sure, ${room.faces} ${room.faces === 1 ? 'face' : 'faces'}`));
  setText(card.querySelector('.state'), (room.enabled ? 'on' : 'off')
    + (room.on_hold ? `, on hold for another ${spell(room.hold_left_s)}: ${room.hold_reason}`
      : room.blocked_reason ? `, waits: ${room.blocked_reason}` : ''));
  setText(card.querySelector('.last'), room.last
    ? `${room.last.target}: ${describe(room.last.request)}, because ${room.last.reason}`
    : 'nothing done yet');
  const toggle = card.querySelector('.switch');
  toggle.dataset.action = room.enabled ? 'disable' : 'enable';
  setText(toggle, room.enabled ? 'Switch off' : 'Switch on');
  const select = card.querySelector('.policy');
  if ([...select.options].map((option) => option.value).join() !== room.policies.join()) {
    select.replaceChildren(...room.policies.map((name) => new Option(name, name)));
  }
  if (document.activeElement !== select || select.dataset.now !== room.policy) {
    select.value = room.policy;
  }
  select.dataset.now = room.policy;
  card.querySelector('.resume').disabled = !there || !room.on_hold;
  for (const control of [toggle, select, card.querySelector('.revert')]) {
    control.disabled = !there;
  }
}

let actionsShown = '';

function showHome(home) {
  const there = home.status === 'active';
  setText(byId('home-absent'), there ? '' : home.reason);
  byId('home-absent').hidden = there;
  for (const room of home.rooms) showRoom(room, there);
  for (const [name, card] of rooms) {
    if (!home.rooms.some((room) => room.name === name)) {
      card.remove();
      rooms.delete(name);
    }
  }
  const shown = JSON.stringify(home.actions.slice(0, 8));
  if (shown === actionsShown) return;
  actionsShown = shown;
  byId('no-actions').hidden = home.actions.length > 0;
  byId('actions').replaceChildren(...home.actions.slice(0, 8).map((action) => {
    const item = document.createElement('li');
    const swatch = document.createElement('span');
    swatch.className = 'swatch';
    const light = action.request.light?.on ? action.request.light : null;
    swatch.style.backgroundColor = light?.color ?? 'transparent';
    const what = describe(action.request);
    item.append(swatch, ` ${clock(action.time_s)} ${action.room.replaceAll('_', ' ')}, ${
      action.target}: ${action.command === 'restore' ? 'back to ' : ''}${what} (${action.outcome}${
      action.outcome === 'failed' ? `: ${action.detail}` : ''}), because ${action.reason}`);
    return item;
  }));
}

const clock = (time) => new Date(time * 1000).toLocaleTimeString();

// Health.

const nodes = new Map();

function showHealth(list) {
  byId('no-nodes').hidden = list.length > 0;
  const troubled = list.filter((node) => node.level !== 'ok');
  setText(byId('trouble'), troubled.length === 0 ? '' : troubled.length === 1
    ? `${troubled[0].name.replaceAll('_', ' ')}: ${troubled[0].level}`
    : `${troubled.length} nodes need a look`);
  byId('trouble').hidden = troubled.length === 0;
  for (const [i, node] of list.entries()) {
    let card = nodes.get(node.name);
    if (!card) {
      card = document.createElement('li');
      card.className = 'card node';
      card.dataset.node = node.name;
      fill(card, `<h3></h3><p><span class="level"></span> <span class="message"></span></p>
        <p class="key"></p><details><summary>Figures</summary><table></table></details>`);
      setText(card.querySelector('h3'), node.name.replaceAll('_', ' '));
      card.querySelector('summary').setAttribute('aria-label', `Figures of ${node.name}`);
      card.querySelector('details').addEventListener('toggle', () => figures(card, card.values));
      byId('nodes').insertBefore(card, byId('nodes').children[i] ?? null);
      nodes.set(node.name, card);
    }
    card.values = node.values;
    const level = card.querySelector('.level');
    if (setText(level, node.level) && node.level === 'gone') {
      setText(byId('announcer'), node.message);
    }
    level.className = `level ${node.level}`;
    card.classList.toggle('gone', node.level === 'gone');
    setText(card.querySelector('.message'), node.message);
    setText(card.querySelector('.key'), key(node.values));
    if (card.querySelector('details').open) figures(card, node.values);
  }
}

function key(values) {
  // The figures that people ask for first; all are below.
  return Object.entries(values).filter(([name, value]) =>
    /^(rate|latency)|dropped|lost/.test(name) && Number(value) !== 0)
    .slice(0, 4).map(([name, value]) => {
      const [, what, unit] = /^(.*?)(?: \((Hz|ms|s|%)\))?$/.exec(name);
      return `${what} ${Number.isNaN(Number(value)) ? value : Number(Number(value).toFixed(1))
      }${unit ? ` ${unit}` : ''}`;
    }).join(' · ');
}

function figures(card, values) {
  card.querySelector('table').replaceChildren(...Object.entries(values).map(([name, value]) => {
    const row = document.createElement('tr');
    const head = document.createElement('th');
    head.scope = 'row';
    head.textContent = name;
    const cell = document.createElement('td');
    cell.textContent = value;
    row.append(head, cell);
    return row;
  }));
}

// The connection.

const timelines = new Timelines(byId('timelines'), byId('no-timeline'));

function show(part, data) {
  if (part === 'people') showPeople(data);
  else if (part === 'home') showHome(data);
  else showHealth(data);
}

function take(part, data) {
  latest = { ...latest, [part]: data };
  if (!paused) show(part, data);
}

function lost(text) {
  setText(byId('connection'), text);
  byId('connection').hidden = !text;
  document.body.classList.toggle('lost', Boolean(text));
  // What is shown is what was: the page says so rather than let it pass for now.
  if (text) setText(byId('notice-text'), 'What it sees is not known at the moment.');
}

let watchdog = 0;

function connect() {
  const source = new EventSource('/api/events');
  const again = () => {
    source.close();
    lost('The connection to the robot is lost. Trying again ...');
    clearTimeout(watchdog);
    setTimeout(connect, 1000);
  };
  const alive = () => {
    clearTimeout(watchdog);
    // Health comes every second: silence is a dead line.
    watchdog = setTimeout(again, 4000);
  };
  source.addEventListener('hello', (event) => {
    const hello = JSON.parse(event.data);
    csrf = hello.csrf;
    byId('sign-out').hidden = !hello.signed_in;
    stored = hello.recording ? `Pictures are being stored in ${hello.recording}.`
      : 'No picture is stored.';
    setText(byId('stored'), stored);
    setText(byId('version'), `fer_ros ${hello.version}`);
    lost('');
    alive();
    timelines.load();
  });
  source.addEventListener('state', (event) => {
    const state = JSON.parse(event.data);
    take('people', { time_s: state.time_s, cameras: state.cameras });
    take('home', state.home);
    take('health', state.nodes);
    alive();
  });
  for (const part of ['people', 'home', 'health']) {
    source.addEventListener(part, (event) => { take(part, JSON.parse(event.data)); alive(); });
  }
  source.onerror = async () => {
    again();
    // An expired session is no lost connection.
    const answer = await fetch('/api/schema').catch(() => null);
    if (answer?.status === 401) location.href = '/login';
  };
  alive();
}

// Buttons.

function press(button, name, on, act) {
  const set = (value) => {
    button.setAttribute('aria-pressed', String(value));
    if (name) store.set(name, value ? '1' : '0');
    act(value);
  };
  button.addEventListener('click', () =>
    set(button.getAttribute('aria-pressed') !== 'true'));
  set(on);
}

press(byId('show-picture'), 'picture', store.get('picture') !== '0', changed);
press(byId('pause'), '', false, (value) => {
  paused = value;
  setText(byId('pause'), value ? 'Go on' : 'Pause');
  if (!value && latest) Object.entries(latest).forEach(([part, data]) => show(part, data));
  changed();
});

const THEMES = ['auto', 'light', 'dark'];

function theme(name) {
  if (name === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  setText(byId('theme'), `Theme: ${name}`);
  store.set('theme', name);
  timelines.repaint();
}

byId('theme').addEventListener('click', () =>
  theme(THEMES[(THEMES.indexOf(store.get('theme') ?? 'auto') + 1) % THEMES.length]));
theme(THEMES.includes(store.get('theme')) ? store.get('theme') : 'auto');
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => timelines.repaint());
byId('sign-out').addEventListener('click', async () => {
  await fetch('/logout', { method: 'POST', headers: { 'X-CSRF-Token': csrf } });
  location.href = '/login';
});

connect();
