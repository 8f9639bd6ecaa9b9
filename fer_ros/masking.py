# SPDX-License-Identifier: Apache-2.0
"""Mask passwords and tokens in text that is shown.

All output that may contain user input (log, diagnostics, service responses, the page, summaries)
passes through :func:`mask`; a :class:`fer_ros.errors.FerError` does so by itself. In doubt
something counts as a secret.
"""

import re

MASK = '***'

_SECRETS = (r'pass(?:word|wd|wort|phrase|code|key)?|pwd?|psw|secret|token|credentials?|'
            r'auth(?:orization|entication)?|signature|session[_-]?id|jwt|cookie|kennwort|'
            r'(?:api|access|private|secret|stream|auth)[_-]?key')
_PREFIX = r'(?:[\w.-]*[^a-zA-Z0-9])?'
_NAME = rf'{_PREFIX}(?:{_SECRETS})'
#: In a query these are secrets too; elsewhere they are ordinary words.
_QUERY_NAME = rf'{_PREFIX}(?:{_SECRETS}|\w*key|pin|code|sig|session|pass\w*)'
_EQUALS = r'(?:=|%(?:25)*3[dD])'
#: password=...: up to the end of the word, as an & or a bracket may belong to it.
_PAIR = re.compile(rf'(?<![a-zA-Z0-9])({_NAME}{_EQUALS})[^\s]+', re.IGNORECASE)
_QUERY_PAIR = re.compile(rf'(?<![a-zA-Z0-9])({_QUERY_NAME}{_EQUALS}).',
                         re.IGNORECASE | re.DOTALL)
#: user:password@host without a scheme.
_USER = re.compile(r'(?<![\w/*])([\w.+-]{0,64}):[^\s]+@(?=[\w\[])')
#: "password": "...", as in JSON and YAML.
_QUOTED = re.compile(rf"""(["']{_NAME}["']\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}}]+)""",
                     re.IGNORECASE)
_HEADER = re.compile(r'\b((?:Bearer|Basic|Digest)\s+)[A-Za-z0-9._~+/=-]{6,}')
_URL = re.compile(r'([a-zA-Z][a-zA-Z0-9+.-]*://)(\S*)')
_TRAILING = re.compile(r'[\'"),.;:!?>\]}]*$')
#: Schemes whose path is an identifier and never a secret.
_OPEN_SCHEMES = ('file', 'package', 'ros')
#: Common words in camera paths; the rest of a path may be a key.
_USUAL = re.compile(
    r'(?:(?:live|stream(?:ing)?|video|cam(?:era)?|media|channels?|ch|main|sub|minor|h26[45]|mpeg|'
    r'mjpe?g|jpe?g|png|snap(?:shot)?|images?|img|cgi|bin|axis|amp|onvif|profile|unicast|av|'
    r'realmonitor|isapi|picture|preview|rtsp|rtp|track(?:id)?|sdp|mp4|m3u8|hls|index|playlist|'
    r'api|states?|services|feed|proxy|test|front|back|left|right|door|yard|garage|garden|kitchen|'
    r'hall|office|room|living|bed|a|v|x)?\d{0,3})', re.IGNORECASE)
#: Names in the queries of cameras; another may be a key itself.
_NAMES = re.compile(
    r'user(?:name)?|usr|login|subtype|res(?:olution)?|fps|rate|width|height|quality|codec|size|id|'
    r'type|mode|time|date|start|end|proto|transport|format|action|cmd|pass(?:word|wd|phrase)?|pwd|'
    r'pw|psw|token|access_?token|api_?key|key|auth|secret|pin|code|sig|signature|session',
    re.IGNORECASE)
#: While the rest of a text is searched, these stand for what its URLs hold.
_KEPT = {ord(char): 0xe000 + i for i, char in enumerate('=%:@"\'')}
_SHOWN = {code: char for char, code in _KEPT.items()}
_FORGOTTEN = dict.fromkeys(_SHOWN, '?')


def mask(text: str, *, camera: bool = False) -> str:
    """Return a text without its secrets; a text without secrets is returned unchanged.

    User and password of a URL, values of keys such as ``password=`` and ``"token":``, and tokens
    of HTTP headers are replaced. In streams, the query and unusual words of the path are replaced
    too, since cameras accept keys there.

    :param camera: the whole text is a camera's source, which is treated as a stream with any
        scheme.
    """
    if '://' in text and camera:
        scheme, _, rest = text.partition('://')
        return f'{scheme}://{_rest(scheme, rest, hidden=True)}'
    if '://' in text:
        # What remains of a URL is not searched again.
        text = _URL.sub(_masked_url, _joined(text.translate(_FORGOTTEN)))
    if '@' in text:
        text = _USER.sub(rf'\1:{MASK}@', text)
    if '=' in text or '%' in text:
        text = _PAIR.sub(rf'\1{MASK}', text)
    if ':' in text and ('"' in text or "'" in text):
        text = _QUOTED.sub(rf'\1"{MASK}"', text)
    return _HEADER.sub(rf'\1{MASK}', text).translate(_SHOWN)


def _joined(text: str) -> str:
    """Return the text with spaces in a URL's password replaced, so that it is one word."""
    # Only if a password must follow: what follows the colon is not a port.
    return re.sub(r'(://[^\s/:@]*:(?!\d*(?:[/\s\'",;)?#]|$))[^\s@]*)\s[^\n@]*@', rf'\1{MASK}@',
                  text)


def _masked_url(match: re.Match) -> str:
    scheme, rest = match.group(1), match.group(2)
    trailing = _TRAILING.search(rest).group()
    rest = rest[:len(rest) - len(trailing)]
    name = scheme[:-3].lower()
    hidden = name not in (*_OPEN_SCHEMES, 'http', 'https')
    return (scheme + _rest(name, rest, hidden=hidden)).translate(_KEPT) + trailing


def _rest(scheme: str, rest: str, *, hidden: bool) -> str:
    """Return what follows the scheme, without its secrets."""
    if scheme.lower() in _OPEN_SCHEMES:
        return rest
    # Anything after pwd= may belong to it.
    pair = _QUERY_PAIR.search(rest)
    if pair:
        rest = rest[:pair.end(1)]
    # A password may hold slashes, question marks and at signs: the last @ ends it.
    user, at, place = rest.rpartition('@')
    if at and not hidden and ':' not in user and re.search(r'[/?#]', user):
        # https://host/@name is a path.
        user, at, place = '', '', rest
    if at:
        name, _, password = user.partition(':')
        # A token may appear alone, or before an empty password.
        named = password and re.fullmatch(r'[^/?#&=]{0,64}', name)
        user = f'{name}:{MASK}' if named else MASK
    host, path = re.fullmatch(r'([^/?#]*)(.*)', place, re.DOTALL).groups()
    # A password without a host after it is in place of the port.
    host = re.sub(r'(?<=[^\[:]):(?!\d*$)[^\]]*$', f':{MASK}', host)
    shown = user + at + host + (_path(path) if hidden else path) + (MASK if pair else '')
    return re.sub(rf'({re.escape(MASK)})+', MASK, shown)


def _path(path: str) -> str:
    """Return a camera's path with usual words and short numbers only."""
    path, mark, query = re.fullmatch(r'([^?#]*)([?#]?)(.*)', path, re.DOTALL).groups()
    shown = ''.join(part if re.fullmatch(r'[/._-]+', part) or _USUAL.fullmatch(part) else MASK
                    for part in re.split(r'([/._-]+)', path))
    shown = re.sub(rf'(?:{re.escape(MASK)}[._-]*)+', MASK, shown)
    pairs = [_pair(pair) for pair in query.split('&')] if query else []
    return shown + mark + '&'.join(pairs)


def _pair(pair: str) -> str:
    """Return a part of a query; numbers of channels and the like are shown."""
    name, equals, value = pair.partition('=')
    if not equals or not (_NAMES.fullmatch(name) or _USUAL.fullmatch(name)):
        name = MASK
    elif re.fullmatch(r'\d{0,3}|true|false', value) and not re.fullmatch(
            _QUERY_NAME, name, re.IGNORECASE):
        return pair
    return name + equals + (MASK if value else '')
