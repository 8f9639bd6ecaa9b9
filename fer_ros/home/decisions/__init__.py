# SPDX-License-Identifier: Apache-2.0
"""The decision engine.

No clock, no network, no ROS: time comes in as ``now_s``, what devices report comes in through
:meth:`DecisionEngine.report`, and what is to be done comes out of :meth:`DecisionEngine.tick`.
The same calls always give the same actions.
"""
