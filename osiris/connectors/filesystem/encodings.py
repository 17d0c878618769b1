"""Character encodings by the names that the WHATWG gives them (https://encoding.spec.whatwg.org), and Python's own.

The web's labels mean what data is in practice: `latin1` and `iso-8859-1` are windows-1252. `ascii` alone stays strict.
"""

from __future__ import annotations

import codecs
import re

from osiris.errors import ConfigError, did_you_mean

UTF8 = "utf-8"
UTF8_MARKED = "utf-8-sig"
UTF16 = "utf-16"

# Python's codec: the labels that Python does not know, or knows as something narrower. Others are looked up in Python.
_LABELS = {
    "utf-8": "utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "utf-16": "utf16 csunicode iso-10646-ucs-2 ucs-2 unicode",
    "utf-16-le": "unicodefeff",
    "utf-16-be": "unicodefffe",
    "cp1252": "ansi_x3.4-1968 cp819 csisolatin1 ibm819 iso-ir-100 l1 latin1 latin-1 x-cp1252 windows-1252",
    "cp1254": "csisolatin5 iso-ir-148 l5 latin5 latin-5 x-cp1254 windows-1254",
    "cp874": "dos-874 tis-620 windows-874",
    "cp1250": "x-cp1250 windows-1250",
    "cp1251": "x-cp1251 windows-1251",
    "cp1253": "x-cp1253 windows-1253",
    "cp1255": "x-cp1255 windows-1255",
    "cp1256": "x-cp1256 windows-1256",
    "cp1257": "x-cp1257 windows-1257",
    "cp1258": "x-cp1258 windows-1258",
    "cp866": "csibm866 866 ibm866",
    "cp932": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "cp949": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601"
    " windows-949",
    "euc_jp": "cseucpkdfmtjapanese x-euc-jp",
    "iso2022_jp": "csiso2022jp",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "gb18030": "gbk chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk",
    "iso8859-2": "csisolatin2 iso-ir-101 l2 latin2",
    "iso8859-3": "csisolatin3 iso-ir-109 l3 latin3",
    "iso8859-4": "csisolatin4 iso-ir-110 l4 latin4",
    "iso8859-5": "csisolatincyrillic cyrillic iso-ir-144",
    "iso8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i"
    " iso-ir-127",
    "iso8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 sun_eu_greek",
    "iso8859-8": "csiso88598e csiso88598i csisolatinhebrew hebrew iso-8859-8-e iso-8859-8-i iso-ir-138 logical visual",
    "iso8859-10": "csisolatin6 iso-ir-157 l6 latin6",
    "iso8859-15": "csisolatin9 l9",
    "koi8-r": "cskoi8r koi koi8 koi8_r",
    "koi8-u": "koi8-ru",
    "mac-roman": "csmacintosh mac macintosh x-mac-roman",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
}
_CODECS = {label: codec for codec, labels in _LABELS.items() for label in [codec, *labels.split()]}
_ISO_8859 = re.compile(r"(?:cs)?iso[-_]?8859[-_]?(\d{1,2})(?::\d{4})?")
_WIDER = {"1": "cp1252", "9": "cp1254", "11": "cp874"}
_GAPS = "osiris.gaps"


def codec_of(label: str) -> str:
    """Python's name of the codec that `label` means. Raises ConfigError for an unknown one."""
    name = label.strip().lower()
    if name in _CODECS:
        return _CODECS[name]
    if found := _ISO_8859.fullmatch(name):
        name = _WIDER.get(found[1], f"iso8859-{found[1]}")
    try:
        info = codecs.lookup(name)
        "".encode(info.name)  # refuses what is no character encoding, such as base64
    except (LookupError, TypeError) as error:
        hint = did_you_mean(name, sorted(_CODECS)) or "for example utf-8, utf-16, windows-1252, shift_jis"
        raise ConfigError(f"{label!r} is not a known encoding", code="encoding.unknown", hint=hint) from error
    return info.name


def decoder(codec: str) -> codecs.IncrementalDecoder:
    """Decodes strictly; the bytes that a Windows code page leaves open are control characters, as the WHATWG has it."""
    return codecs.getincrementaldecoder(codec)(_GAPS)


def encoder(codec: str) -> codecs.IncrementalEncoder:
    """Encodes strictly. `utf-16` and `utf-8-sig` put their mark before the first character."""
    return codecs.getincrementalencoder(codec)(_GAPS)


def _fill_gaps(error: UnicodeError) -> tuple[str | bytes, int]:
    """Between 0x80 and 0x9F a single-byte code page's open places stand for the control character of that number."""
    if isinstance(error, UnicodeDecodeError) and error.encoding in _SINGLE_BYTE:
        byte = error.object[error.start]
        if 0x80 <= byte <= 0x9F:
            return chr(byte), error.start + 1
    if isinstance(error, UnicodeEncodeError) and error.encoding in _SINGLE_BYTE:
        character = error.object[error.start]
        if "\x80" <= character <= "\x9f":
            return character.encode("latin-1"), error.start + 1
    raise error


_SINGLE_BYTE = frozenset({"charmap", *(f"cp{number}" for number in (874, *range(1250, 1259)))})
codecs.register_error(_GAPS, _fill_gaps)
