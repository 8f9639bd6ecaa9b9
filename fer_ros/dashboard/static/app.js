// SPDX-License-Identifier: Apache-2.0
// The page: its cards, and the server's events passed to them.

import { ActionsCard } from './cards/actions.js';
import { CamerasCard } from './cards/cameras.js';
import { HabitsCard } from './cards/habits.js';
import { HealthCard } from './cards/health.js';
import { PeopleCard } from './cards/people.js';
import { RoomsCard } from './cards/rooms.js';
import { TimelinesCard } from './cards/timelines.js';
import { byId, setText } from './dom.js';
import { Notice } from './notice.js';
import { follow, post, signIn } from './server.js';
import { remember, remembered } from './store.js';
import { followTheme } from './theme.js';

// A card is a module with a `section`, and a method for each part of the state it shows: people,
// home or health. They come in this order on a phone, and to keyboards and screen readers;
// style.css places them on wider screens.
const cameras = new CamerasCard();
const timelines = new TimelinesCard();
const cards = [cameras, new RoomsCard(), new PeopleCard(), new ActionsCard(), timelines,
  new HabitsCard(), new HealthCard()];
const notice = new Notice();

let paused = false;
let latest = {};

function show(name, data) {
  for (const card of [notice, ...cards]) card[name]?.(data);
}

function press(button, on, act) {
  const set = (value) => {
    button.setAttribute('aria-pressed', String(value));
    act(value);
  };
  button.addEventListener('click', () => set(button.getAttribute('aria-pressed') !== 'true'));
  set(on);
}

byId('cards').append(...cards.map((card) => card.section));
press(byId('show-picture'), remembered('picture') !== '0', (value) => {
  remember('picture', value ? '1' : '0');
  cameras.setPictures(value);
});
press(byId('pause'), false, (value) => {
  paused = value;
  setText(byId('pause'), value ? 'Continue' : 'Pause');
  cameras.pause(value);
  if (!value) Object.entries(latest).forEach(([name, data]) => show(name, data));
});
followTheme(() => timelines.repaint());
byId('sign-out').addEventListener('click', async () => {
  await post('/logout', {});
  signIn();
});

follow({
  hello(data) {
    notice.hello(data);
    timelines.load();
  },
  part(name, data) {
    latest = { ...latest, [name]: data };
    if (!paused) show(name, data);
  },
  lost() {
    notice.connection('The connection to the robot is lost. Trying again ...');
  },
});
