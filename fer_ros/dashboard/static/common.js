// SPDX-License-Identifier: Apache-2.0
// What the parts of the page share.

export const LABELS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];

export const COLORS = Object.fromEntries(
  [...LABELS, 'uncertain'].map((label) => [label, `var(--${label})`]));

export const byId = (id) => document.getElementById(id);

/** Write markup of our own; nothing that came over the network goes through it. */
export function fill(element, markup) {
  element.innerHTML = markup;
}

/** Set a text if it is another one; return whether it was. */
export function setText(element, text) {
  if (element.textContent === text) return false;
  element.textContent = text;
  return true;
}

/** Return seconds in words. */
export function spell(seconds) {
  const whole = Math.floor(seconds);
  if (whole < 60) return `for ${whole} s`;
  return `for ${Math.floor(whole / 60)} min ${whole % 60} s`;
}
