// SPDX-License-Identifier: Apache-2.0
// The pictures of one camera: one request after another, so that a slow connection gets fewer,
// but never older ones.

import { signIn } from './server.js';

const PAUSE_MS = 1000;
const TIMEOUT_MS = 5000;
const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });

const waiting = new Set();
const nextChange = () => new Promise((done) => { waiting.add(done); });

/** Let every camera look again at whether its picture is wanted. */
export function wantedChanged() {
  for (const done of waiting) done();
  waiting.clear();
}
document.addEventListener('visibilitychange', wantedChanged);

/**
 * Show pictures until `view.ended`.
 * @param {string} camera its name.
 * @param {object} view `wanted` and `ended`; `show(blob, faces, number)` takes a picture, with
 *   [id, x, y, width, height] of each face as shares of it; `hide(reason)` says why there is none.
 */
export async function followPictures(camera, view) {
  const path = `/api/cameras/${camera.split('/').map(encodeURIComponent).join('/')}/picture`;
  let number = 0;
  while (!view.ended) {
    if (!view.wanted) {
      view.hide('');
      await nextChange();
      continue;
    }
    try {
      const answer = await fetch(`${path}?after=${number}`,
        { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (answer.status === 401) { signIn(); return; }
      if (answer.status === 200) {
        number = Number(answer.headers.get('X-Picture'));
        const faces = JSON.parse(answer.headers.get('X-Faces') ?? '[]');
        await view.show(await answer.blob(), faces, number);
      } else {
        view.hide('Waiting for the next picture.');
        if (answer.status !== 204) await sleep(PAUSE_MS);
      }
    } catch {
      view.hide('No connection.');
      await sleep(PAUSE_MS);
    }
  }
}
