// SPDX-License-Identifier: Apache-2.0
// The emotions in their order; the server sends their colors (/api/emotions.css).

export const LABELS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];

/** Return a label's color for text and lines of the page. */
export const color = (label) => `var(--${label})`;

/** Return a label's color for drawings on pictures. */
export const colorOnDark = (label) => `var(--${label}-on-dark)`;

/** Return a custom property of the style as a canvas takes it. */
export const painted = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Return a background that shows all probabilities side by side. */
export function mixture(probabilities) {
  let end = 0;
  const stops = LABELS.map((label) => {
    const begin = end;
    end += 100 * probabilities[label];
    return `${color(label)} ${begin.toFixed(0)}% ${end.toFixed(0)}%`;
  });
  return `linear-gradient(90deg, ${stops.join(', ')})`;
}
