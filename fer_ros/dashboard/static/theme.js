// SPDX-License-Identifier: Apache-2.0
// Light or dark: as in the system, or as chosen here.

import { byId, setText } from './dom.js';
import { remember, remembered } from './store.js';

const THEMES = ['auto', 'light', 'dark'];

/** Let the button choose the theme; `changed` is called whenever colors have changed. */
export function followTheme(changed) {
  let theme = THEMES.includes(remembered('theme')) ? remembered('theme') : 'auto';
  const show = () => {
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    setText(byId('theme'), `Theme: ${theme}`);
    remember('theme', theme);
    changed();
  };
  byId('theme').addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    show();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  show();
}
