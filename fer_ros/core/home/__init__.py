# SPDX-License-Identifier: Apache-2.0
"""From emotions to ambient actions: policy, decisions and the devices that carry them out."""
