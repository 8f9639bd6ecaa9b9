// SPDX-License-Identifier: Apache-2.0
// What this browser remembers; in private mode it may forget.

export function remembered(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

export function remember(key, value) {
  try { localStorage.setItem(key, value); } catch { /* private mode */ }
}
