# SPDX-License-Identifier: Apache-2.0
"""Colors of the states of attention; the word is always shown too."""

#: BGR by state, to stay apart for color-blind people (after Okabe and Ito 2008).
COLORS_BGR = {'camera': (115, 158, 0), 'away': (0, 159, 230), 'down': (178, 114, 0),
              'closed': (167, 121, 204), 'unknown': (128, 128, 128)}
