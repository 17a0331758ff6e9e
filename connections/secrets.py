"""Envelope encryption of source credentials.

Each secret is encrypted with a data key of its own, and the data key with the installation's keys (Fernet
keys, newest first). Rotation re-encrypts data keys only. A secret is bound to the place it is for: put on
another address, it does not open, so changing a connection's host cannot send its password elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from common.errors import Conflict


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    data_key: bytes
    token: bytes


class _Content(msgspec.Struct, frozen=True, array_like=True):
    bound_to: str
    secret: str


class SecretBox:
    """Seals and opens with a list of keys: the first one seals, all of them open. Raises ValueError for a
    malformed key.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("There is no encryption key: set CATALOG_ENCRYPTION_KEYS.")
        self._keys = MultiFernet([Fernet(key) for key in keys])
        self.key_id = key_id(keys[0])

    def __repr__(self) -> str:
        return f"<SecretBox {self.key_id}>"

    def seal(self, secret: str, *, bound_to: str) -> bytes:
        data_key = Fernet.generate_key()
        token = Fernet(data_key).encrypt(msgspec.msgpack.encode(_Content(bound_to, secret)))
        return msgspec.msgpack.encode(_Envelope(self._keys.encrypt(data_key), token))

    def open(self, sealed: bytes, *, bound_to: str) -> str:
        """The secret. Raises `Conflict` when no key opens it or when it was given for another place."""
        try:
            envelope = msgspec.msgpack.decode(sealed, type=_Envelope)
            plain = Fernet(self._keys.decrypt(envelope.data_key)).decrypt(envelope.token)
            content = msgspec.msgpack.decode(plain, type=_Content)
        except (InvalidToken, msgspec.DecodeError, ValueError):
            raise Conflict(
                "The stored password cannot be opened with the present encryption keys. Restore the key in"
                " CATALOG_ENCRYPTION_KEYS, or enter the password again."
            ) from None
        if content.bound_to != bound_to:
            raise Conflict("The address changed since the password was entered. Enter the password again.")
        return content.secret

    def rotate(self, sealed: bytes) -> bytes:
        """The same secret under the newest key; the secret itself is not opened. Raises `Conflict` if no key
        fits.
        """
        try:
            envelope = msgspec.msgpack.decode(sealed, type=_Envelope)
            rewrapped = _Envelope(self._keys.rotate(envelope.data_key), envelope.token)
        except (InvalidToken, msgspec.DecodeError, ValueError):
            raise Conflict(
                "A stored password cannot be opened with the present encryption keys. Restore the missing key"
                " before rotating."
            ) from None
        return msgspec.msgpack.encode(rewrapped)


def key_id(key: str) -> str:
    """A name for a key that does not give it away: 12 hexadecimal digits."""
    return hashlib.sha256(b"catalog key id\0" + base64.urlsafe_b64decode(key)).hexdigest()[:12]
