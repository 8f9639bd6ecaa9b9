// SPDX-License-Identifier: Apache-2.0
// The selected person, shared by the picture and the list of people.

const listeners = new Set();

/** Call `act(key)` whenever a person is chosen. */
export const onSelect = (act) => listeners.add(act);

/** Choose a person by `camera/id`. */
export function select(key) {
  for (const act of listeners) act(key);
}
