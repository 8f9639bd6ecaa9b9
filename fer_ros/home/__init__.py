# SPDX-License-Identifier: Apache-2.0
"""The smart home, from emotions to devices, without ROS.

Data types: :mod:`action`, :mod:`commands`, :mod:`snapshot`, :mod:`lifecycle`, :mod:`light`,
:mod:`ambience`, :mod:`fields`.

- ``kinds``: requests and states of lights, scenes, blinds and others; one file per kind.
- ``devices``: the types of targets in a policy; one file per type.
- ``policy``: the policy file.
- ``decisions``: the decision engine. Pure: time and reports in, actions out.
- ``world``: everything with connections and threads: MQTT, Home Assistant.

:mod:`controller` joins them. Nothing outside ``world`` opens a socket or starts a thread.
"""
