"""COS's own signature, for requests and links. Pure."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from config.stores.links import quoted

TOKEN = "x-cos-security-token"  # noqa: S105 - the name of a header or parameter


@dataclass(frozen=True)
class Signer:
    """A key pair; `token` comes with temporary keys, and is sent as the header or parameter `TOKEN`."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)

    def fields(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        headers: Mapping[str, str],
        times: tuple[int, int],
    ) -> dict[str, str]:
        """The fields of a signature over all that is given: of an Authorization header, or of a link.

        `path` begins with a slash and is not quoted; `times` are the Unix seconds between which it is valid.
        """
        names, signed_parameters = _listed(parameters)
        header_names, signed_headers = _listed(headers)
        period = f"{times[0]};{times[1]}"
        request = f"{method.lower()}\n{path}\n{signed_parameters}\n{signed_headers}\n"
        digest = hashlib.sha1(request.encode(), usedforsecurity=False).hexdigest()
        return {
            "q-sign-algorithm": "sha1",
            "q-ak": self.key_id,
            "q-sign-time": period,
            "q-key-time": period,
            "q-header-list": header_names,
            "q-url-param-list": names,
            "q-signature": _hmac(_hmac(self.secret, period), f"sha1\n{period}\n{digest}\n"),
        }


def query(parameters: Mapping[str, str]) -> str:
    """Parameters as they stand in an address."""
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in parameters.items())


def _listed(pairs: Mapping[str, str]) -> tuple[str, str]:
    """The names and the pairs, sorted, as they are signed."""
    quoted_pairs = sorted((quoted(name).lower(), quoted(value)) for name, value in pairs.items())
    names = ";".join(name for name, _ in quoted_pairs)
    return names, "&".join(f"{name}={value}" for name, value in quoted_pairs)


def _hmac(key: str, text: str) -> str:
    return hmac.digest(key.encode(), text.encode(), "sha1").hex()
