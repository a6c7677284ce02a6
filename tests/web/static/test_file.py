"""Files over a site in memory: what is served, and what is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from selvage.web._dates import datetimeToString
from selvage.web.static import Data, DirectoryLister, File, NoRangeStaticProducer, Registry, loadMimeTypes
from tests.web.serving import Server, body, head, status

SECRET = b"the secret"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory that is served, with a secret beside it."""
    root = tmp_path / "www"
    root.mkdir()
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "www-secret").mkdir()
    (tmp_path / "www-secret" / "file").write_bytes(SECRET)
    (root / "page.html").write_bytes(b"<p>page</p>")
    (root / "data.txt").write_bytes(bytes(range(65, 91)))
    (root / ".hidden").write_bytes(b"hidden")
    (root / "sub").mkdir()
    (root / "sub" / "index.html").write_bytes(b"index")
    return root


def get(resource, target: bytes, *lines: bytes, method: bytes = b"GET") -> bytes:
    server = Server(resource)
    answer = server.send(b"\r\n".join([b"%b %b HTTP/1.1" % (method, target), b"Host: h", *lines, b"", b""]))
    server.clock.pump([0] * 20)
    return server.answered() or answer


def fetch(root: Path, target: bytes, *lines: bytes, method: bytes = b"GET", **options) -> bytes:
    return get(File(str(root), **options), target, *lines, method=method)


def test_a_file_is_served_with_type_length_date_and_tag(root):
    answer = fetch(root, b"/page.html")
    fields = head(answer)
    assert (status(answer), body(answer)) == (200, b"<p>page</p>")
    assert fields[b"content-type"] == b"text/html" and fields[b"content-length"] == b"11"
    assert fields[b"accept-ranges"] == b"bytes" and fields[b"last-modified"] and fields[b"etag"]


def test_a_large_file_arrives_whole(root):
    content = os.urandom(1 << 20)
    (root / "large").write_bytes(content)
    assert body(fetch(root, b"/large")) == content


def test_head_says_what_get_would(root):
    answer, whole = fetch(root, b"/data.txt", method=b"HEAD"), fetch(root, b"/data.txt")
    assert body(answer) == b"" and head(answer)[b"content-length"] == head(whole)[b"content-length"] == b"26"


def test_head_asks_for_no_part(root):
    """RFC 9110 section 14.2: a Range is ignored unless the method is GET."""
    answer = fetch(root, b"/data.txt", b"Range: bytes=2-4", method=b"HEAD")
    assert status(answer) == 200 and head(answer)[b"content-length"] == b"26"
    assert b"content-range" not in head(answer)


def test_parts_of_a_file(root):
    answer = fetch(root, b"/data.txt", b"Range: bytes=2-4")
    assert (status(answer), body(answer)) == (206, b"CDE")
    assert head(answer)[b"content-range"] == b"bytes 2-4/26"
    answer = fetch(root, b"/data.txt", b"Range: bytes=0-0, -1")
    assert status(answer) == 206 and b"\r\n\r\nA\r\n--" in body(answer) and b"\r\n\r\nZ\r\n--" in body(answer)
    assert head(answer)[b"content-length"] == b"%d" % len(body(answer))
    answer = fetch(root, b"/data.txt", b"Range: bytes=26-")
    assert (status(answer), head(answer)[b"content-range"], body(answer)) == (416, b"bytes */26", b"")


def test_who_has_the_file_is_not_sent_it_however_the_tags_are_written(root):
    """RFC 9110 section 13.1.2: a list, in one line or several, and weak or not is one."""
    tag = head(fetch(root, b"/data.txt"))[b"etag"]
    known = b"If-None-Match: "
    for lines in (
        [known + tag],
        [known + b"W/" + tag],
        [known + b'"x", ' + tag],
        [known + tag, known + b'"x"'],
        [known + b'"x"', known + tag],
        [known + b"*"],
    ):
        assert status(fetch(root, b"/data.txt", *lines)) == 304
    assert status(fetch(root, b"/data.txt", known + b'"x"')) == 200


@pytest.mark.parametrize("ranges", [b"0-25,0-25", b"0-," * 20 + b"0-", b"x-y", b"0-0," * 40])
def test_attack_052_ranges_that_cost_more_than_the_file_or_mean_nothing_get_the_file(root, ranges):
    answer = fetch(root, b"/data.txt", b"Range: bytes=" + ranges)
    assert (status(answer), len(body(answer))) == (200, 26)


def test_a_part_is_given_only_of_the_file_that_the_client_knows(root):
    whole = head(fetch(root, b"/data.txt"))
    part = b"Range: bytes=0-0"
    for known in (whole[b"etag"], whole[b"last-modified"]):
        assert status(fetch(root, b"/data.txt", part, b"If-Range: " + known)) == 206
    for other in (b'"other"', b"W/" + whole[b"etag"], datetimeToString(0), b"nonsense"):
        assert status(fetch(root, b"/data.txt", part, b"If-Range: " + other)) == 200


def test_what_the_client_has_is_not_sent_again(root):
    fields = head(fetch(root, b"/data.txt"))
    assert status(fetch(root, b"/data.txt", b"If-None-Match: " + fields[b"etag"])) == 304
    assert status(fetch(root, b"/data.txt", b"If-Modified-Since: " + fields[b"last-modified"])) == 304
    assert status(fetch(root, b"/data.txt", b'If-None-Match: "other"')) == 200
    (root / "data.txt").write_bytes(b"changed")
    assert status(fetch(root, b"/data.txt", b"If-None-Match: " + fields[b"etag"])) == 200


@pytest.mark.parametrize(
    "target",
    [
        b"/../secret",
        b"/..%2fsecret",
        b"/%2e%2e/secret",
        b"/sub/../../secret",
        b"/%2e%2e%2fsecret",
        b"/..%5csecret",
        b"/../www-secret/file",
        b"//secret",
        b"/page.html%00",
        b"/%00",
        b"/%ff",
        b"/sub%2findex.html",
        b"/page.html/",
        b"/page.html/x",
        b"/nothing",
        b"/" + b"x" * 300,
        b"/C:%5csecret",
    ],
)
def test_attack_038_nothing_outside_the_directory_is_served(root, target, caplog):
    answer = fetch(root, target)
    assert status(answer) in (400, 404) and SECRET not in answer


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            [b"..", b"%2e", b".", b"/", b"%2f", b"sub", b"secret", b"www-secret", b"%00", b"~", b"%5c"]
        )
    )
)
def test_attack_038_whatever_the_path(root, pieces):
    assert SECRET not in fetch(root, b"/" + b"".join(pieces))


def test_attack_038_links_out_of_the_directory_are_followed_only_when_that_is_wanted(root):
    (root / "out").symlink_to(root.parent / "secret")
    (root / "outside").symlink_to(root.parent / "www-secret")
    (root / "in").symlink_to(root / "data.txt")
    (root / "sub" / "out").symlink_to(root.parent / "secret")
    (root / "sub" / "in").symlink_to(root / "data.txt")
    assert body(fetch(root, b"/out")) == SECRET
    for target in (b"/out", b"/outside/file", b"/outside/", b"/sub/out"):
        assert status(fetch(root, target, links_out=False)) == 404
    for target in (b"/in", b"/sub/in"):
        assert status(fetch(root, target, links_out=False)) == 200
    listing = body(fetch(root, b"/", links_out=False))
    assert b"data.txt" in listing and b"outside" not in listing


def test_hidden_files_are_served_unless_that_is_not_wanted(root):
    (root / ".git").mkdir()
    (root / ".git" / "config").write_bytes(b"x")
    (root / "sub" / ".hidden").write_bytes(b"x")
    assert body(fetch(root, b"/.hidden")) == b"hidden"
    assert b".hidden" in body(fetch(root, b"/"))
    for target in (b"/.hidden", b"/.git/config", b"/.git/", b"/sub/.hidden"):
        assert status(fetch(root, target, hidden=False)) == 404
    assert b".hidden" not in body(fetch(root, b"/", hidden=False))


def test_what_is_no_regular_file_is_not_opened(root):
    os.mkfifo(root / "pipe")  # opening it would wait for who writes
    assert status(fetch(root, b"/pipe")) == 404


def test_a_directory_is_redirected_to_its_slash_and_shows_its_index(root):
    answer = fetch(root, b"/sub?a=b")
    assert (status(answer), head(answer)[b"location"]) == (302, b"/sub/?a=b")
    assert body(fetch(root, b"/sub/")) == b"index"


@pytest.mark.parametrize("target", [b"//sub", b"///sub", b"//sub?x=//y"])
def test_attack_037_a_redirection_to_a_slash_leads_to_no_other_host(root, target):
    top = File(str(root))
    top.putChild(b"", top)
    answer = get(top, target)
    assert status(answer) == 302
    assert not head(answer)[b"location"].startswith((b"//", b"/\\"))


def test_a_listing_is_escaped(root):
    (root / "<script>alert(1)<").write_bytes(b"")
    (root / 'quo"te').write_bytes(b"")
    (root / os.fsdecode(b"bytes-\xff")).write_bytes(b"")
    page = body(fetch(root, b"/?<script>".replace(b"<", b"%3C").replace(b">", b"%3E")))
    assert b"<script>" not in page
    assert b'href="%3Cscript%3Ealert%281%29%3C"' in page and b'href="quo%22te"' in page
    assert b'href="bytes-%FF"' in page


def test_ignored_extensions_types_encodings_and_processors(root):
    (root / "data.txt.gz").write_bytes(b"zipped")
    assert body(fetch(root, b"/page", ignoredExts=[".txt", ".html"])) == b"<p>page</p>"
    fields = head(fetch(root, b"/data.txt.gz"))
    assert (fields[b"content-type"], fields[b"content-encoding"]) == (b"text/plain", b"gzip")
    resource = File(str(root), registry=Registry())
    resource.processors = {".html": lambda path, registry: Data(path.encode(), "text/plain")}
    assert body(get(resource, b"/page.html")) == str(root / "page.html").encode()


def test_a_file_that_shrinks_while_it_is_sent_breaks_the_connection_and_one_that_grows_does_not_show(root):
    path = root / "data.txt"

    class Sneaky(File):
        isLeaf = True
        content = b""

        def openForReading(self):
            file = super().openForReading()
            path.write_bytes(self.content)
            return file

    for size, arrives in [(26, b""), (1 << 20, b"AB")]:
        path.write_bytes(bytes(size))
        Sneaky.content = b"AB"
        server = Server(Sneaky(str(path)))
        server.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        server.clock.pump([0] * 5)
        assert server.closing and body(server.answered()) == arrives
    path.write_bytes(bytes(26))
    Sneaky.content = b"A" * 100
    answer = get(Sneaky(str(path)), b"/")
    assert head(answer)[b"content-length"] == b"26" and body(answer) == b"A" * 26


def test_a_file_is_closed_when_the_client_goes_away(root):
    opened = []

    class Watched(File):
        isLeaf = True

        def openForReading(self):
            opened.append(super().openForReading())
            return opened[-1]

    (root / "data.txt").write_bytes(b"x" * (1 << 20))
    server = Server(Watched(str(root / "data.txt")))
    server.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    server.transport.producer.stopProducing()  # as transports do when the connection is lost
    assert [file.closed for file in opened] == [True]
    get(Watched(str(root / "data.txt")), b"/", method=b"HEAD")
    get(Watched(str(root / "data.txt")), b"/")
    assert [file.closed for file in opened] == [True, True, True]


def test_types_are_read_once_and_can_be_added_to(root):
    assert File.contentTypes is File.contentTypes is DirectoryLister.contentTypes
    assert File.contentTypes[".png"] == "image/png"
    asked = []
    assert loadMimeTypes(["extra"], init=asked.append)[".conf"] == "text/plain" and asked == [["extra"]]


def test_a_producer_without_a_promise_sends_all_there_is():
    import io

    written, ended = [], []

    class Request:
        def registerProducer(self, producer, streaming):
            while not ended:
                producer.resumeProducing()

        write = written.append

        def unregisterProducer(self):
            ended.append(True)

        def finish(self):
            ended.append("finished")

    NoRangeStaticProducer(Request(), io.BytesIO(b"abc")).start()
    assert (written, ended) == [b"abc"] or (b"".join(written), ended[-1]) == (b"abc", "finished")
