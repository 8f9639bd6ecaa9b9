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
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

// Where each hue ends, degrees.
const HUES = [[12, 'red'], [40, 'orange'], [68, 'yellow'], [165, 'green'], [195, 'turquoise'],
  [255, 'blue'], [290, 'violet'], [345, 'pink'], [360, 'red']];

/** Return a word for a colour, #rrggbb, for those who do not see it and those who read no hex. */
export function colorName(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  const most = Math.max(r, g, b);
  const span = most - Math.min(r, g, b);
  if (span < 0.12) return 'white';
  const turn = most === r ? ((g - b) / span + 6) % 6 : most === g ? (b - r) / span + 2
    : (r - g) / span + 4;
  const name = HUES.find(([end]) => 60 * turn <= end)[1];
  return span < 0.5 ? `pale ${name}` : name;
}
