# SPDX-License-Identifier: Apache-2.0
"""The smart home, from emotions to devices, without ROS.

What it is about: :mod:`action`, :mod:`commands`, :mod:`snapshot`, :mod:`lifecycle`, :mod:`light`,
:mod:`ambience`, :mod:`fields`.

- ``kinds``: what can be asked of a light, a scene or a blind; one file per kind.
- ``devices``: the types of targets a policy may name; one file per type.
- ``policy``: the policy file.
- ``decisions``: what is done, when, and when not. Pure: time and reports come in, actions out.
- ``world``: what opens connections and runs threads: MQTT, Home Assistant.

:mod:`controller` joins them. Nothing outside ``world`` opens a socket or starts a thread.
"""
