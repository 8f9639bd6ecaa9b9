// SPDX-License-Identifier: Apache-2.0
// Habits: what each room has learned, how sure it is, its suggestion, and a switch.

import { arrange, make, say, section, setText } from '../dom.js';
import { post } from '../server.js';
import { percent, plain } from '../words.js';

const MARKUP = `<article class="card habits">
  <div class="head"><h3></h3><button class="switch"></button></div>
  <div class="question" hidden>
    <p class="sentence"></p>
    <div class="controls" role="group" aria-label="Answer">
      <button data-action="habit_yes">Yes</button>
      <button data-action="habit_no">No</button>
      <button data-action="habit_never">Not again</button>
    </div>
  </div>
  <ul class="known"></ul>
  <p class="none soft" hidden>No habits found yet.</p>
  <p class="expected soft"></p>
  <p class="answer" role="status"></p></article>`;

const MODES = { suggest: 'suggests rules', ask: 'asks when a habit is due', apply: 'does what you agreed to' };

function describeHabit(habit) {
  const record = habit.times ? `, right ${habit.right} of ${habit.times} times lately` : '';
  return `${habit.sentence} (${habit.status}, ${percent(habit.sure)} sure${record})`;
}

class RoomHabits {
  constructor(name) {
    this.name = name;
    this.box = make(MARKUP);
    this.box.dataset.room = name;
    for (const button of this.box.querySelectorAll('button')) {
      button.addEventListener('click', () => this.command(button.dataset.action));
    }
  }

  get = (selector) => this.box.querySelector(selector);

  async command(action) {
    const answer = this.get('.answer');
    setText(answer, 'Asking the bridge ...');
    try {
      const reply = await post(`/api/home/${action}`, { room: this.name, habit: this.habit ?? '' });
      const { ok, message } = await reply.json();
      setText(answer, ok ? `Done: ${message}` : `Not done: ${message}`);
    } catch {
      setText(answer, 'Not done: no connection.');
    }
  }

  update(habits, there) {
    setText(this.get('h3'), `${plain(this.name)}: ${habits.enabled ? MODES[habits.mode] : 'off'}`);
    const toggle = this.get('.switch');
    toggle.dataset.action = habits.enabled ? 'habits_off' : 'habits_on';
    setText(toggle, habits.enabled ? 'Switch off' : 'Switch on');
    this.habit = habits.suggestion?.habit;
    this.get('.question').hidden = !habits.suggestion;
    setText(this.get('.sentence'), habits.suggestion?.sentence ?? '');
    const list = this.get('.known');
    while (list.children.length < habits.habits.length) list.append(make('<li></li>'));
    while (list.children.length > habits.habits.length) list.lastElementChild.remove();
    habits.habits.forEach((habit, i) => {
      list.children[i].dataset.status = habit.status;
      setText(list.children[i], describeHabit(habit));
    });
    this.get('.none').hidden = habits.habits.length > 0;
    say(this.get('.expected'), habits.expected ? `Next, probably: ${habits.expected}` : '');
    for (const button of this.box.querySelectorAll('button')) button.disabled = !there;
  }
}

export class HabitsCard {
  constructor() {
    this.section = section('habits', 'Habits', '<div class="list"></div>');
    this.section.hidden = true;
    this.rooms = new Map();
  }

  home(home) {
    const learning = home.rooms.filter((room) => room.habits);
    this.section.hidden = learning.length === 0;
    for (const { name, habits } of learning) {
      if (!this.rooms.has(name)) this.rooms.set(name, new RoomHabits(name));
      this.rooms.get(name).update(habits, home.status === 'active');
    }
    arrange(this.section.querySelector('.list'),
      learning.map((room) => this.rooms.get(room.name).box));
  }
}
