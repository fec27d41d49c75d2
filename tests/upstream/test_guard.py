"""Which addresses, URLs and names are contacted on behalf of others."""

import asyncio
import socket
from collections.abc import Sequence

import httpx
import pytest
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from config.networks import host_pattern, is_public, plain_host
from tests.support.rows import each
from videos.upstream.download_errors import BadAddress
from videos.upstream.guard import PublicOnly
from videos.upstream.hosts import Hosts

PUBLIC = {
    "IPv4": "1.1.1.1 8.8.8.8 93.184.216.34 9.255.255.255 11.0.0.1 223.255.255.254 168.63.129.17",
    "beside private networks": "100.63.255.255 100.128.0.1 172.15.255.255 172.32.0.1 192.167.255.255",
    "beside special networks": "198.17.255.255 198.20.0.1 169.253.255.255 169.255.0.1 2001:200::1",
    "IPv6": "2606:4700:4700::1111 2001:4860:4860::8888 2400:3200::1 2a00:1450:4001::1",
    "IPv4 in IPv6": "2002:101:101:: 64:ff9b::8.8.8.8",
}
PRIVATE = {
    "private": "10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255",
    "loopback": "127.0.0.1 127.255.255.254 ::1",
    "link-local": "169.254.0.1 169.254.255.255 fe80::1 febf::1",
    "metadata": "169.254.169.254 169.254.0.23 fd00:ec2::254 100.100.100.200 192.0.0.192 168.63.129.16",
    "carrier-grade NAT": "100.64.0.0 100.127.255.255",
    "unspecified": "0.0.0.0 0.1.2.3 ::",
    "multicast": "224.0.0.1 239.255.255.255 ff02::1 ff0e::1",
    "reserved": "240.0.0.1 254.255.255.255 192.0.0.1 192.0.0.170 192.88.99.1 4000::1 100::1 5f00::1",
    "broadcast": "255.255.255.255",
    "documentation": "192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1",
    "benchmarks": "198.18.0.1 198.19.255.255 2001:2::1",
    "unique local": "fc00::1 fdff::1",
    "site-local": "fec0::1 feff::1",
    "IPv4 in IPv6": "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 ::8.8.8.8 ::ffff:0:7f00:1",
    "6to4 of private": "2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe::1 2002:c0a8:101::",
    "NAT64 of private": "64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::8.8.8.8",
    "Teredo": "2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "with a zone": "fe80::1%eth0 2606:4700:4700::1111%eth0 ::1%1",
    "no address": "x.example 127.1 2130706433 0x7f.0.0.1 017700000001 8.8.8.8. [2606:4700::1] 08.8.8.8",
}


def words(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(kind, word) for kind, row in table.items() for word in row.split()]


@each("kind, address", words(PUBLIC))
def test_public_addresses_may_be_contacted(kind: str, address: str) -> None:
    assert is_public(address), kind


@each("kind, address", words(PRIVATE))
def test_other_addresses_may_not(kind: str, address: str) -> None:
    assert not is_public(address), kind


def test_an_empty_text_is_no_address() -> None:
    assert not is_public("")


ANY = Hosts(any_public=True)
NAMED = Hosts(
    ("*.films.example", "store.lan", "10.0.0.5:9000", "[::1]:9000", "192.168.0.9", "cdn.example:8443")
)

REFUSED = {
    "other schemes": "file:///etc/passwd ftp://x.example/a gopher://x.example data:,x javascript:x ws://x.example",
    "no URL": "//x.example/a /a http: http:// https:///a http:x.example http//x.example x.example",
    "users": "http://u@x.example/ http://u:p@x.example/ http://x.example@127.0.0.1/ http://@x.example/",
    "backslashes": r"http://x.example\@127.0.0.1/ http://x.example\.y.example http:\\x.example http://x.example/\a",
    "two hosts": "http://x.example:80@127.0.0.1/ http://[::1]@x.example/ http://x.example:80:80/ http://[[::1]]/",
    "ports": "http://x.example:port/ http://x.example:0/ http://x.example:65536/ http://x.example:-1/",
    "loopback": "http://127.0.0.1/ http://127.0.0.1:80/ http://0.0.0.0/ http://localhost/ http://LOCALHOST:8000",
    "numbers": "http://2130706433/ http://017700000001/ http://0x7f000001/ http://0x/ http://x.0x1/ http://x.1/",
    "short": "http://127.1/ http://0x7f.1/ http://1.1.1/ http://8.8.8.8.8/ http://256.1.1.1/",
    "octal": "http://0177.0.0.1/ http://127.000.000.001/ http://0x7f.0x0.0x0.0x1/",
    "dots": "http://127.0.0.1./ http://x.example./ http://.x.example/ http://x..example/",
    "full width": "http://\uff11\uff12\uff17.0.0.1/ http://\u2460\u2461\u2466.0.0.1/ http://127\u30020\u30020\u30021/",
    "other letters": "http://loc\u212ahost/ http://\u0445.example/ http://x\u2024example/ http://\u7247.example/",
    "percent": "http://%31%32%37.0.0.1/ http://127.0.0.1%00.x.example/ http://127.0.0.1%2f.x.example/ http://%6c/",
    "hyphens": "http://-x.example/ http://x.example-/",
    "IPv6 loopback": "http://[::1]/ http://[0:0:0:0:0:0:0:1]/ http://[::]/ http://[::ffff:127.0.0.1]/",
    "IPv4 in IPv6": "http://[::ffff:7f00:1]/ http://[::127.0.0.1]/ http://[64:ff9b::a00:1]/ http://[2002:7f00:1::]/",
    "other IPv6": "http://[fe80::1]/ http://[fd00:ec2::254]/ http://[2001:0:1::1]/ http://[::ffff:8.8.8.8]/",
    "zones": "http://[fe80::1%25eth0]/ http://[fe80::1%eth0]/ http://[2606:4700::1%25eth0]/",
    "brackets": "http://[::1]x/ http://::1/ http://[127.0.0.1]/ http://[v1.x]/ http://[]/ http://[x.example/",
    "private": "http://10.0.0.5/ http://192.168.1.1 http://169.254.169.254/latest/ http://100.100.100.200/",
    "names of a network": "http://db/ http://metadata.google.internal/ http://printer.local/ http://a.localhost/",
}
ODD = ["", "not a link", " http://x.example", "http://x.example ", "http://x .example", "http://x\t.example"]
ODD += [
    "http://x.example/\n",
    "http://x.example\x00/",
    "http://\x7fx.example/",
    f"http://{'a.' * 127}example/",
]
ALLOWED = {
    "names": "http://x.example HTTPS://X.Example/a?b=c#d http://xn--fiq228c.example/ http://x_y.example/",
    "ports and paths": "https://x.example:8443/@a:b http://1.example?a@b http://x.example#@y/@ http://0x7f.example/",
    "addresses": "http://8.8.8.8/ http://[2606:4700:4700::1111]:8080/a",
    "encoded paths": "https://x.example/%00?sign=a%2Fb https://x.example/\u7247.mp4",
}


@each("kind, link", [*words(REFUSED), *(("odd", link) for link in ODD)])
def test_a_link_to_what_is_not_plainly_public_is_refused(kind: str, link: str) -> None:
    with pytest.raises(BadAddress) as refused:
        ANY.trusts(link)
    assert refused.value.reason
    assert str(refused.value).isprintable()


@each("kind, link", words(ALLOWED))
def test_a_plain_link_may_be_followed_to_public_addresses(kind: str, link: str) -> None:
    assert not ANY.trusts(link), kind


@each("kind, link", words(ALLOWED))
def test_the_libraries_that_connect_read_the_same_host(kind: str, link: str) -> None:
    """A URL passes through httpx and yarl on its way to the connection."""
    connected = yarl.URL(str(httpx.URL(link)))
    host = connected.raw_host or ""
    named = f"[{host}]:{connected.port}" if ":" in host else f"{host}:{connected.port}"
    assert Hosts.of([named]).trusts(link), kind
    assert not connected.raw_user


@each(
    "link, is_trusted",
    [
        ("http://a.films.example/1.mp4", False),
        ("http://a.b.FILMS.example", False),
        ("http://store.lan/", True),
        ("http://store.lan:81/", True),
        ("http://10.0.0.5:9000/", True),
        ("http://[0:0::1]:9000/", True),
        ("https://192.168.0.9/", True),
        ("https://cdn.example:8443/", True),
        ("http://films.example/", None),
        ("http://evilfilms.example/", None),
        ("http://films.example.evil.example/", None),
        ("http://10.0.0.5/", None),
        ("http://10.0.0.5:9001/", None),
        ("http://[::1]/", None),
        ("https://cdn.example/", None),
        ("http://8.8.8.8/", None),
        ("http://x.store.lan/", None),
    ],
)
def test_only_hosts_that_are_named_exactly_are_trusted(link: str, is_trusted: bool | None) -> None:
    if is_trusted is not None:
        assert NAMED.trusts(link) is is_trusted
        return
    with pytest.raises(BadAddress, match="not among the hosts"):
        NAMED.trusts(link)


def test_no_hosts_are_allowed_by_default() -> None:
    with pytest.raises(BadAddress):
        Hosts().trusts("https://x.example/")


@each(
    "link, reason",
    [
        ("https://10.0.0.1/a?sign=secret", "10.0.0.1 is not contacted: it is not a public address"),
        ("https://db/a?sign=secret", "db is not contacted: it is not a public name"),
        ("https://127.1/a?sign=secret", "127.1 is not contacted: it is not an IP address in its usual form"),
        ("ftp://x.example/a?sign=secret", "the link: only http:// and https:// are allowed"),
        ("https://u:secret@x.example/a", "the link: a user name is not allowed"),
        ("https://x.example:secret/a", "the link: it is not a URL with a plain host"),
    ],
)
def test_an_error_names_host_and_reason_but_never_the_link(link: str, reason: str) -> None:
    with pytest.raises(BadAddress) as refused:
        ANY.trusts(link)
    assert reason in str(refused.value)
    assert "secret" not in f"{refused.value!r} {vars(refused.value)}"


@each(
    "pattern, plain",
    [
        ("*.X.Example", "*.x.example"),
        ("Host", "host"),
        ("host:080", "host:80"),
        ("[0::1]", "[::1]"),
        ("[0::1]:81", "[::1]:81"),
    ],
)
def test_patterns_have_one_form(pattern: str, plain: str) -> None:
    assert host_pattern(pattern) == plain
    assert Hosts.of([pattern]).patterns == (plain,)


@each(
    "host",
    ["", "a b", "a..b", "-a", "a-", ".", "127.1", "[::1", "::1", "[::1%1]", "\u0430.example", "a" * 254],
)
def test_an_odd_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="it is"):
        plain_host(host)


class Names(AbstractResolver):
    """Answers each lookup with the next addresses."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [found(host, address, port) for address in self.answers.pop(0)]

    async def close(self) -> None:
        self.answers.clear()


def found(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)


def resolved(*answers: Sequence[str]) -> list[str]:
    """The addresses of the last of several lookups."""

    async def look_up() -> list[ResolveResult]:
        guard = PublicOnly(Names(*answers))
        for _ in answers:
            last = await guard.resolve("x.example", 80)
        await guard.close()
        return last

    return [each["host"] for each in asyncio.run(look_up())]


def test_a_name_with_public_addresses_is_resolved() -> None:
    assert resolved(["1.1.1.1", "2606:4700:4700::1111"]) == ["1.1.1.1", "2606:4700:4700::1111"]


@each(
    "answers",
    [
        [["127.0.0.1"]],
        [["1.1.1.1", "10.0.0.1"]],
        [["10.0.0.1", "1.1.1.1"]],
        [["1.1.1.1", "fe80::1%eth0"]],
        [["::ffff:127.0.0.1"]],
        [["169.254.169.254"]],
        [["1.1.1.1"], ["127.0.0.1"]],  # which changes from one lookup to the next
    ],
)
def test_a_name_with_any_address_that_is_not_public_is_refused(answers: list[list[str]]) -> None:
    with pytest.raises(
        BadAddress, match=r"x\.example is not contacted: it has an address that is not public"
    ):
        resolved(*answers)


def test_a_name_without_an_address_is_an_error_of_the_network() -> None:
    with pytest.raises(OSError, match="no address"):
        resolved([])
