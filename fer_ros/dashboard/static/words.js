// SPDX-License-Identifier: Apache-2.0
// Values and states as text.

// A non-breaking space.
export const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
export const clock = (time_s) => new Date(time_s * 1000).toLocaleTimeString();
export const plain = (name) => name.replaceAll('_', ' ');
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Return a count with its noun. */
export const count = (number, noun, plural = `${noun}s`) =>
  `${number} ${number === 1 ? noun : plural}`;

/** Return what a person is called; the camera is named where there are several. */
export const personName = (camera, id) =>
  (camera === 'camera' ? `Person ${id}` : `Person ${id}, ${camera}`);

/** The states of attention in their one order, with what a person does in each. */
export const ATTENTION = { camera: 'looks at the camera', away: 'looks away', down: 'looks down',
  closed: 'eyes closed', unknown: 'gaze unknown' };

/** Return where a person looks, in words; empty where that is not known. */
export function gazeWords(attention) {
  if (!attention) return '';
  const { state, zone, expected } = attention;
  const named = zone && !['camera', 'elsewhere'].includes(zone);
  const since = named ? attention.zone_s : attention.duration_s;
  const words = named && state !== 'closed' ? `looks at ${zone}` : ATTENTION[state];
  if (state === 'unknown') return attention.reason ? `${words}: ${attention.reason}` : words;
  return [words, since < 1 ? '' : `for ${spell(since)}`,
    expected ? `then usually ${expected} (${percent(attention.expected_probability)})` : '']
    .filter(Boolean).join(', ');
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

/** Return a word for a color, #rrggbb, for those who do not see it and those who read no hex. */
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

const white = (kelvin) => (kelvin < 3500 ? 'warm white' : kelvin < 5000 ? 'white' : 'cool white');

/** Return a device's state, or what is asked of it, in words. */
export function describe({ light, scene, position, text, on, volume }) {
  if (text !== undefined) return `“${text}”`;
  if (scene !== undefined) return `scene ${scene}`;
  if (position !== undefined) return `${percent(position)} open`;
  if (volume !== undefined) return `volume ${percent(volume)}`;
  if (on !== undefined) return on ? 'on' : 'off';
  if (!light.on) return 'off';
  return ['on', light.brightness === null ? '' : percent(light.brightness),
    light.color_temperature_k ? `${light.color_temperature_k} K, ${
      white(light.color_temperature_k)}` : light.color ? colorName(light.color) : '']
    .filter(Boolean).join(', ');
}
