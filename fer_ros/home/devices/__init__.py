# SPDX-License-Identifier: Apache-2.0
"""The types of targets in a policy. A new type: one file, and one line here."""

from dataclasses import dataclass

from fer_ros.home.devices import (
    home_assistant_cover,
    home_assistant_light,
    home_assistant_lights,
    home_assistant_media_player,
    home_assistant_notify,
    home_assistant_scene,
    home_assistant_script,
    home_assistant_switch,
    message,
    mqtt_blind,
    mqtt_light,
    mqtt_message,
    mqtt_scene,
    terminal,
)
from fer_ros.home.devices.base import Device, DeviceContext
from fer_ros.home.fields import Part


@dataclass(frozen=True)
class TargetType:
    """A type of target.

    :ivar spec: what the policy says of it; its ``kind`` says what it can be asked for, ``needs``
        which part of the policy it needs.
    :ivar device: its device class, or that of each member of a group.
    """

    spec: type[Part]
    device: type[Device]

    @property
    def name(self) -> str:
        """The ``type`` in the policy."""
        return self.spec.model_fields['type'].annotation.__args__[0]


#: In the order in which messages list them.
TARGET_TYPES = (
    TargetType(terminal.TerminalTarget, terminal.TerminalLamp),
    TargetType(mqtt_light.MqttLightTarget, mqtt_light.MqttLight),
    TargetType(mqtt_scene.MqttSceneTarget, mqtt_scene.MqttScene),
    TargetType(mqtt_blind.MqttBlindTarget, mqtt_blind.MqttBlind),
    TargetType(home_assistant_light.HomeAssistantLightTarget,
               home_assistant_light.HomeAssistantLight),
    TargetType(home_assistant_lights.HomeAssistantLightsTarget,
               home_assistant_light.HomeAssistantLight),
    TargetType(home_assistant_scene.HomeAssistantSceneTarget,
               home_assistant_scene.HomeAssistantScene),
    TargetType(home_assistant_switch.HomeAssistantSwitchTarget,
               home_assistant_switch.HomeAssistantSwitch),
    TargetType(home_assistant_cover.HomeAssistantCoverTarget,
               home_assistant_cover.HomeAssistantCover),
    TargetType(home_assistant_media_player.HomeAssistantMediaPlayerTarget,
               home_assistant_media_player.HomeAssistantMediaPlayer),
    TargetType(home_assistant_script.HomeAssistantScriptTarget,
               home_assistant_script.HomeAssistantScript),
    TargetType(message.MessageTarget, message.Message),
    TargetType(mqtt_message.MqttMessageTarget, mqtt_message.MqttMessage),
    TargetType(home_assistant_notify.HomeAssistantNotifyTarget,
               home_assistant_notify.HomeAssistantNotify),
)


def is_group(spec: Part) -> bool:
    """Return whether a target is several devices, which are known only at run time."""
    return isinstance(spec, home_assistant_lights.HomeAssistantLightsTarget)


def make_device(spec: Part, context: DeviceContext, *, dry_run: bool = False) -> Device:
    """Return the device of a target.

    :param dry_run: devices that require a server are replaced by ones that only show actions.
    """
    if dry_run and spec.needs:
        return terminal.dry_device(spec, context)
    return next(one.device for one in TARGET_TYPES if one.spec is type(spec))(spec, context)
