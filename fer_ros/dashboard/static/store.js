// SPDX-License-Identifier: Apache-2.0
// Settings stored in this browser; private mode may discard them.

export function remembered(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

export function remember(key, value) {
  try { localStorage.setItem(key, value); } catch { /* private mode */ }
}
