// SPDX-License-Identifier: Apache-2.0
// The document: find, create and write elements.

export const byId = (id) => document.getElementById(id);

/** Return the one element of markup of our own; nothing from the network goes through it. */
export function make(markup) {
  const template = document.createElement('template');
  template.innerHTML = markup.trim();
  return template.content.firstElementChild;
}

/** Return a section of the page: its id is the area of the grid it takes (style.css). */
export function section(id, title, markup) {
  return make(`<section id="${id}" aria-labelledby="${id}-title" tabindex="-1">
    <h2 id="${id}-title">${title}</h2>${markup}</section>`);
}

/** Set a text if it is another one; return whether it was. */
export function setText(element, text) {
  if (element.textContent === text) return false;
  element.textContent = text;
  return true;
}

/** Say where something is shown, or hide the place when there is nothing to say. */
export function say(element, text) {
  setText(element, text);
  element.hidden = !text;
}

/** Make `parent` hold `elements` in this order, moving as few as possible. */
export function arrange(parent, elements) {
  elements.forEach((element, i) => {
    if (parent.children[i] !== element) parent.insertBefore(element, parent.children[i] ?? null);
  });
  while (parent.children.length > elements.length) parent.lastElementChild.remove();
}
