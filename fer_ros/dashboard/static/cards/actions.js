// SPDX-License-Identifier: Apache-2.0
// The home's last actions, and why.

import { make, section, setText } from '../dom.js';
import { clock, describe, plain } from '../words.js';

const SHOWN = 12;
// The outcome of an action is shown if it is not as expected.
const EXPECTED = ['shown', 'sent', 'confirmed'];

function item(action, severalRooms) {
  const element = make(`<li><span class="swatch" aria-hidden="true"></span><div>
    <p class="head"><span class="what"></span> <time></time></p><p class="why soft"></p></div></li>`);
  const light = action.request.light?.on ? action.request.light : null;
  element.querySelector('.swatch').style.background = light ? light.color ?? '#fff4d6'
    : 'transparent';
  setText(element.querySelector('.what'), `${severalRooms ? `${plain(action.room)}, ` : ''}${
    action.target}: ${action.command === 'restore' ? 'back to ' : ''}${describe(action.request)}${
    EXPECTED.includes(action.outcome) ? ''
      : ` (${action.outcome}${action.detail ? `: ${action.detail}` : ''})`}`);
  setText(element.querySelector('time'), clock(action.time_s));
  setText(element.querySelector('.why'), `because ${action.reason}`);
  return element;
}

export class ActionsCard {
  constructor() {
    this.section = section('last', 'Last actions', `<p class="none">None yet.</p>
      <div class="scroll" tabindex="0" role="group" aria-label="Last actions"><ol id="actions">
      </ol></div>`);
    this.shown = '';
  }

  home(home) {
    const actions = home.actions.slice(0, SHOWN);
    const severalRooms = home.rooms.length > 1;
    const shown = JSON.stringify([severalRooms, actions]);
    if (shown === this.shown) return;
    this.shown = shown;
    this.section.querySelector('.none').hidden = actions.length > 0;
    this.section.querySelector('.scroll').hidden = actions.length === 0;
    this.section.querySelector('ol').replaceChildren(
      ...actions.map((action) => item(action, severalRooms)));
  }
}
