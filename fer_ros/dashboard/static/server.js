// SPDX-License-Identifier: Apache-2.0
// The server: events with changes, and commands with the page's CSRF token.

// Health arrives every second: silence means a lost connection.
const SILENCE_MS = 4000;
const PAUSE_MS = 1000;
const PARTS = ['people', 'home', 'health'];

let secret = '';

/** Go where one signs in. */
export const signIn = () => { location.href = '/login'; };

/** Send a command; return the response, or throw if there is no connection. */
export function post(path, body) {
  return fetch(path, {
    method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': secret },
    body: JSON.stringify(body) });
}

/**
 * Follow what the server tells, for ever.
 * @param {object} listener `hello(data)` at each new connection, `part(name, data)` for each part
 *   that has changed, `lost()` when the connection is.
 */
export function follow(listener) {
  let watchdog = 0;
  const source = new EventSource('/api/events');
  const again = () => {
    source.close();
    listener.lost();
    clearTimeout(watchdog);
    setTimeout(() => follow(listener), PAUSE_MS);
  };
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(again, SILENCE_MS);
  };
  const on = (name, act) => source.addEventListener(name, (event) => {
    act(JSON.parse(event.data));
    alive();
  });
  on('hello', (hello) => {
    secret = hello.csrf;
    listener.hello(hello);
  });
  on('state', (state) => {
    listener.part('people', { time_s: state.time_s, cameras: state.cameras });
    listener.part('home', state.home);
    listener.part('health', state.nodes);
  });
  for (const name of PARTS) on(name, (data) => listener.part(name, data));
  source.onerror = async () => {
    again();
    // An expired session is not a lost connection.
    const answer = await fetch('/api/schema').catch(() => null);
    if (answer?.status === 401) signIn();
  };
  alive();
}
