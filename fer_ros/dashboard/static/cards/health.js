// SPDX-License-Identifier: Apache-2.0
// The status of each part of the system, as rows that open.

import { announce } from '../notice.js';
import { make, say, section, setText } from '../dom.js';
import { plain } from '../words.js';

const MARKUP = `<li class="card node"><details><summary><span class="level"></span><h3></h3>
  <span class="key soft"></span></summary><table></table></details><p class="message"></p></li>`;

// The figures that people ask for first, in this order; all are in the table.
const KEYS = [/^given up$/, /^rate/, /^latency median/, /^viewers/, /^[^:]*(dropped|lost)/];

function key(values) {
  return KEYS.flatMap((pattern) => Object.entries(values).filter(([name, value]) =>
    pattern.test(name) && Number(value) !== 0))
    .slice(0, 3).map(([name, value]) => {
      const [, what, unit] = /^(.*?)(?: \((Hz|ms|s|%)\))?$/.exec(name);
      return `${what} ${Number.isNaN(Number(value)) ? value : Number(Number(value).toFixed(1))
      }${unit ? ` ${unit}` : ''}`;
    }).join(' · ');
}

class Node {
  constructor(name) {
    this.box = make(MARKUP);
    this.box.dataset.node = name;
    this.level = this.box.querySelector('.level');
    setText(this.box.querySelector('h3'), plain(name));
    this.box.querySelector('details').addEventListener('toggle', () => this.showFigures());
  }

  update(node) {
    this.values = node.values;
    if (setText(this.level, node.level) && node.level === 'gone') announce(node.message);
    this.level.className = `level ${node.level}`;
    this.box.classList.toggle('bad', node.level !== 'ok');
    setText(this.box.querySelector('.key'), key(node.values));
    // 'active' is the normal state.
    say(this.box.querySelector('.message'), node.message === 'active' ? '' : node.message);
    this.showFigures();
  }

  showFigures() {
    if (!this.box.querySelector('details').open) return;
    this.box.querySelector('table').replaceChildren(
      ...Object.entries(this.values).map(([name, value]) => {
        const row = make('<table><tr><th scope="row"></th><td></td></tr></table>')
          .querySelector('tr');
        setText(row.children[0], name);
        setText(row.children[1], value);
        return row;
      }));
  }
}

export class HealthCard {
  constructor() {
    this.section = section('health', 'Health', `<p id="no-nodes">No node has been seen yet.</p>
      <ul id="nodes"></ul>`);
    this.nodes = new Map();
  }

  health(list) {
    this.section.querySelector('#no-nodes').hidden = list.length > 0;
    for (const [i, node] of list.entries()) {
      if (!this.nodes.has(node.name)) {
        this.nodes.set(node.name, new Node(node.name));
        const rows = this.section.querySelector('#nodes');
        rows.insertBefore(this.nodes.get(node.name).box, rows.children[i] ?? null);
      }
      this.nodes.get(node.name).update(node);
    }
  }
}
