# SPDX-License-Identifier: Apache-2.0
"""Texts that hold a secret are shown without it; other texts stay as they are."""

import string

from fer_ros.errors import ConfigurationError, FerError, ImageError, SourceError
from fer_ros.masking import mask
from hypothesis import example, given, settings
from hypothesis import strategies as st
import pytest

HUSH = 'HUSHhush'


@pytest.mark.parametrize('text, shown', [
    ('rtsp://me:secret@camera:554/1', 'rtsp://me:***@camera:554/1'),
    ('rtsp://:a@b:c@camera/1', 'rtsp://:***@camera/1'),
    ('rtsp://me:sl/ash@camera/1', 'rtsp://me:***@camera/1'),
    ('http://token@camera/1', 'http://***@camera/1'),
    # a password that looks like a port cannot be distinguished from one
    ('http://camera:80/a@b:1', 'http://camera:***@b:1'),
    # a path that is a key, as video recorders have it
    ('rtsp://recorder:7447/zLbMWeRlMNdNSBcH', 'rtsp://recorder:7447/***'),
    ('rtsp://camera/user=admin&password=tlJwpbo6&channel=1.sdp', 'rtsp://camera/***'),
    ('http://10.0.0.2/video.cgi?channel=1&pwd=b&c', 'http://10.0.0.2/video.cgi?channel=1&pwd=***'),
    ('rtsp://10.0.0.2/live?channel=1&user=a', 'rtsp://10.0.0.2/live?channel=1&user=***'),
    ("source 'me:secret@camera/1' is not", "source 'me:***@camera/1' is not"),
    ('see https://me:secret@host/x?token=abc, please',
     'see https://me:***@host/x?token=***, please'),
    ('{"password": "se\\"cret", "a": 1}', '{"password": "***", "a": 1}'),
    ('Authorization: Bearer abcdef.ghi', 'Authorization: Bearer ***'),
    ('run --password=secret --x', 'run --password=*** --x')])
def test_what_is_shown(text, shown):
    assert mask(text) == shown
    assert str(FerError(text)) == shown


@pytest.mark.parametrize('text', [
    '', 'clip.mp4', '/dev/video0', 'rtsp://camera:554/Streaming/Channels/101',
    'rtsp://camera/live/ch00_0', 'http://camera:80/1', 'http://homeassistant.local:8123',
    'see https://example.org/releases/v1.0/model_float16.onnx.', 'the dashboard: http://[::1]:8088',
    'house.yaml:16: rooms.study.policy: is missing', 'token_file is not there: set token_file',
    'broker.password: the environment variable X is not set', 'a@b.org',
    'package://fer_ros/config/camera.yaml', 'expected key=value', 'mail me: a@b.org',
    'policies.mirror.by_emotion.happy.brightness: 30: expected at most 1'])
def test_other_texts_stay_as_they_are(text):
    assert mask(text) == text


def test_every_error_for_the_user_is_masked():
    for kind in (FerError, ConfigurationError, SourceError, ImageError):
        assert str(kind('x rtsp://me:secret@h/1')) == 'x rtsp://me:***@h/1'
        assert 'secret' not in repr(f'{kind("password=secret")}')


#: Where secrets are written; {} is the secret.
IN_WORDS = [
    'rtsp://me:{}@camera:554/1', 'rtsp://{}@camera/1', 'rtsp://me:{}@camera/live?channel=1',
    'http://192.168.1.2/img?user=me&pwd={}', 'http://camera/x.cgi?token={}&a=1',
    'https://camera.example.org/img?api_key={}', 'rtsp://camera/user=me_password={}_ch=1',
    'mqtt://me:{}@broker', 'http://me:{}@homeassistant.local:8123/api',
    'rtsp://me:pw@camera/1?channel=2&user=a&password={}', 'me:{}@camera/1',
    'password={}', 'rtsp://10.0.0.2/{}/1', 'rtsp://10.0.0.2/live/{}']
#: What passwords are made of, without blanks, which no URL has.
HOSTILE = st.text(st.sampled_from(string.ascii_letters + string.digits
                                  + '/:@?#&=%+~!$()*,;[]{}<>"\'\\|^`._-äß€'), max_size=6)


def unambiguous(where, part):
    """Return a part of a secret without what would make another part of the URL of it."""
    part = part.replace('://', '//')
    if where.startswith('rtsp://{}@'):
        return part.replace(':', '')  # a user
    return part.replace('@', '') if '/{}' in where and '://{}' not in where else part


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(IN_WORDS), HOSTILE, HOSTILE,
       st.sampled_from(['{}', 'cannot open {}: try again', "source '{}' has stopped", '({}), then',
                        '{}\n{}', '"{}"', 'first http://a:80/x then {}']))
@example('rtsp://me:{}@camera:554/1', '80/', '', '{}')
@example('rtsp://me:{}@camera:554/1', 'a@b:', '/?#', '{}')
@example('rtsp://10.0.0.2/{}/1', '?', '=', '{}')
@example('rtsp://10.0.0.2/{}/1', '?', '=1&', '{}')
def test_a_secret_of_any_characters_is_not_shown(where, before, after, around):
    before, after = unambiguous(where, before), unambiguous(where, after)
    text = around.replace('{}', where.replace('{}', before + HUSH + after))
    assert HUSH not in mask(text), (text, mask(text))
    assert HUSH not in str(SourceError(text))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(IN_WORDS[:7]), st.text(max_size=8), st.text(max_size=8))
def test_a_cameras_source_is_taken_whole(where, before, after):
    before, after = unambiguous(where, before), unambiguous(where, after)
    assert HUSH not in mask(where.replace('{}', before + HUSH + after), camera=True)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_it_never_fails_and_does_nothing_twice(text):
    assert mask(mask(text)) == mask(text)
    assert isinstance(mask(text, camera=True), str)


def test_a_long_text_costs_its_length():
    for part in ('://', 'a:b@', 'password=', 'http://a', '"token": ', 'a' * 9, ':', '@', '***',
                 '-', 'rtsp://a:', '.'):
        mask(part * (20_000 // len(part)))
