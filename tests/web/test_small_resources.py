"""Redirections, deferred resources, virtual hosts, rewriting and scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.web._roots import ConstraintViolation, Locked, NotSupportedError
from selvage.web.resource import Resource
from selvage.web.rewrite import RewriterResource, alias, tildeToUsers
from selvage.web.script import PythonScript, ResourceScript, ResourceScriptDirectory, ResourceScriptWrapper
from selvage.web.static import Data, File, Registry
from selvage.web.util import DeferredResource, ParentRedirect, Redirect, redirectTo
from selvage.web.vhost import NameVirtualHost, VHostMonsterResource, VirtualHostCollection
from tests.web.serving import Seen, Server, body, head, status


class Where(Resource):
    """Says where it was found."""

    isLeaf = True

    def __init__(self, name: bytes = b"") -> None:
        super().__init__()
        self.name = name

    def render(self, request):
        path = b"/".join(request.prepath) + b"|" + b"/".join(request.postpath)
        return b"%b %b %b" % (self.name, path, request.uri)


def get(resource, target: bytes = b"/", host: bytes = b"h", **options) -> bytes:
    return Server(resource, **options).send(b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (target, host))


def test_attack_035_a_redirection_escapes_where_it_leads_to():
    """CVE-2024-41810."""
    answer = get(Redirect(b'/x"><script>alert(1)</script>&y'))
    assert status(answer) == 302 and b"<script>" not in body(answer)
    assert b'href="/x&quot;&gt;&lt;script&gt;' in body(answer)


def test_attack_034_no_line_begins_in_a_redirection():
    answer = get(Redirect(b"/x\r\nSet-Cookie: a=b"))
    assert b"set-cookie" not in head(answer)


def test_redirections_are_for_bytes_and_all_that_is_below():
    with pytest.raises(TypeError, match="needs a URL as bytes"):
        redirectTo("/x", None)
    answer = get(Redirect(b"http://elsewhere/"), b"/a/b?c")
    assert head(answer)[b"location"] == b"http://elsewhere/"


@pytest.mark.parametrize(
    ("target", "location"),
    [(b"/a/b", b"http://h:12345/a/"), (b"/a/?q", b"http://h:12345/a/"), (b"/a", b"http://h:12345/")],
)
def test_a_parent_is_redirected_to(target, location):
    root = Resource()
    root.putChild(b"a", parent := Resource())
    parent.putChild(b"b", ParentRedirect())
    parent.putChild(b"", ParentRedirect())
    if target == b"/a":
        root.putChild(b"a", ParentRedirect())
    assert head(get(root, target))[b"location"] == location


def test_a_resource_may_come_later():
    waits: Deferred[Resource] = Deferred()
    root = Resource()
    root.putChild(b"later", DeferredResource(waits))
    server = Server(root)
    assert server.send(b"GET /later/x HTTP/1.1\r\nHost: h\r\n\r\n") == b""
    waits.callback(Where(b"found"))
    assert body(server.answered()) == b"found later|x /later/x"


def test_a_resource_that_comes_when_nobody_waits_is_not_asked():
    waits: Deferred[Resource] = Deferred()
    server = Server(DeferredResource(waits))
    server.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    server.close()
    seen = Seen()
    waits.callback(seen)
    assert seen.requests == []


def test_a_resource_that_does_not_come_is_a_failure_of_the_request(taken_reports):
    failed: Deferred[Resource] = Deferred()
    server = Server(DeferredResource(failed))
    server.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    failed.errback(Failure(ZeroDivisionError("no resource")))
    assert status(server.answered()) == 500 and b"no resource" not in server.answered()
    assert [report.failure.type for report in taken_reports()] == [ZeroDivisionError]


def hosts() -> NameVirtualHost:
    virtual = NameVirtualHost()
    virtual.addHost(b"A.example", Where(b"a"))
    virtual.addHost(b"[::1]", Where(b"six"))
    inner = Resource()
    inner.putChild(b"x", Where(b"b"))
    virtual.addHost(b"b.example", inner)
    return virtual


@pytest.mark.parametrize(
    ("host", "target", "answer"),
    [
        (b"a.example", b"/p", b"a |p /p"),
        (b"A.EXAMPLE:8080", b"/p", b"a |p /p"),
        (b"a.example.", b"/", b"a | /"),
        (b"[::1]:80", b"/p", b"six |p /p"),
        (b"b.example", b"/x/y", b"b x|y /x/y"),
    ],
)
def test_the_name_that_is_asked_for_decides(host, target, answer):
    assert body(get(hosts(), target, host)) == answer


def test_attack_035_a_name_that_nobody_serves_is_not_repeated():
    """CVE-2022-39348."""
    answer = get(hosts(), b"/", b"nobody.example")
    assert status(answer) == 404 and b"nobody" not in body(answer)
    virtual = hosts()
    virtual.default = Where(b"default")
    assert body(get(virtual, b"/", b"nobody.example")).startswith(b"default")
    virtual.removeHost(b"a.EXAMPLE")
    assert body(get(virtual, b"/", b"a.example")).startswith(b"default")


def test_a_proxy_may_say_in_the_path_what_it_was_asked_for():
    class Asks(Where):
        def render(self, request):
            return b"%b %b %d" % (request.prePathURL(), request.uri, request.isSecure())

    root = Resource()
    root.putChild(b"vhost", VHostMonsterResource())
    root.putChild(b"x", Asks())
    assert body(get(root, b"/vhost/https/example.org/x?q")) == b"https://example.org/x /x?q 1"
    assert body(get(root, b"/vhost/http/example.org:8080/x")) == b"http://example.org:8080/x /x 0"
    for target in (b"/vhost/ftp/example.org/x", b"/vhost/http/example.org:port/x", b"/vhost/http/h:99999/x"):
        assert status(get(root, target)) == 404


def test_rules_change_where_a_request_leads_to():
    root = Resource()
    root.putChild(b"users", Where(b"users"))
    root.putChild(b"meant", Where(b"meant"))
    rewritten = RewriterResource(root, tildeToUsers, alias("/asked/for", "meant/x"))
    assert body(get(rewritten, b"/~ann/page")) == b"users users|ann/page /~ann/page"
    assert body(get(rewritten, b"/asked/for/y")) == b"meant meant|x/y /asked/for/y"
    assert status(get(rewritten, b"/asked/else")) == 404
    assert body(get(RewriterResource(Where(b"leaf"), tildeToUsers), b"/~ann")) == b"leaf |users/ann /~ann"


RPY = "from selvage.web.static import Data\nresource = Data(%r, 'text/plain')\n"


def test_scripts_make_resources(tmp_path: Path):
    (tmp_path / "a.rpy").write_text(RPY % b"made")
    files = File(str(tmp_path))
    files.processors = {".rpy": ResourceScript}
    for resource in (
        files,
        ResourceScriptDirectory(str(tmp_path)),
        ResourceScriptDirectory(str(tmp_path).encode()),
    ):
        assert body(get(resource, b"/a.rpy")) == b"made"
    assert body(get(ResourceScriptWrapper(str(tmp_path / "a.rpy")))) != b""
    directory = ResourceScriptDirectory(str(tmp_path))
    for target in (b"/", b"/b.rpy", b"/..%2fa.rpy", b"/%00"):
        assert status(get(directory, target)) in (400, 404)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.rpy").write_text(RPY % b"below")
    assert body(get(directory, b"/sub/b.rpy")) == b"below"


def test_a_script_that_makes_nothing_says_what_to_do(tmp_path: Path):
    (tmp_path / "a.rpy").write_text("x = 1")
    answer = get(ResourceScriptDirectory(str(tmp_path)), b"/a.rpy")
    assert status(answer) == 500 and b"You forgot to assign" in answer


def test_a_script_may_be_kept(tmp_path: Path):
    path = tmp_path / "a.rpy"
    registry = Registry()
    path.write_text("cache()\nresource = object()")
    assert ResourceScript(str(path), registry) is ResourceScript(str(path), registry)
    path.write_text("resource = object()")
    assert ResourceScript(str(path), registry) is not ResourceScript(str(path), registry)


def test_a_script_writes_the_answer_itself(tmp_path: Path):
    path = tmp_path / "a.epy"
    path.write_text("request.setHeader('x-from', 'script')\nrequest.write(b'hello')")
    answer = get(PythonScript(str(path), None))
    assert head(answer)[b"x-from"] == b"script" and b"hello" in body(answer)
    assert status(get(PythonScript(str(tmp_path / "none"), None))) == 404


def test_attack_036_what_a_script_fails_with_is_told_only_when_that_is_wanted(tmp_path: Path, taken_reports):
    path = tmp_path / "a.epy"
    path.write_text("raise ValueError('<secret>')")
    answer = get(PythonScript(str(path), None))
    assert status(answer) == 500 and b"secret" not in answer
    assert [report.failure.type for report in taken_reports()] == [ValueError]
    server = Server(PythonScript(str(path), None))
    server.site.displayTracebacks = True
    answer = server.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert b"&lt;secret&gt;" in answer and b"<secret>" not in answer
    taken_reports()


def test_a_page_of_data_has_its_type_and_length():
    answer = get(Data(b"x\xff", "text/plain"), b"/")
    assert status(answer) == 404  # what is at the path "" of it
    leaf = Data(b"x\xff", b"text/plain")
    leaf.isLeaf = True
    fields = head(get(leaf))
    assert (fields[b"content-type"], fields[b"content-length"]) == (b"text/plain", b"2")


def test_hosts_are_a_collection_that_can_be_configured():
    virtual = hosts()
    collection = VirtualHostCollection(virtual)
    collection.putEntity(b"c.example", leaf := Where(b"c"))
    assert collection.getStaticEntity(b"c.example") is leaf
    assert {name for name, _ in collection.listStaticEntities()} >= {b"a.example", b"c.example"}
    collection.delEntity(b"c.example")
    assert status(get(virtual, b"/", b"c.example")) == 404
    with pytest.raises(ConstraintViolation, match="of incorrect type"):
        collection.putEntity(b"d.example", "no resource")


def test_a_locked_collection_takes_nothing():
    collection = Locked({"a": 1})
    collection.putEntity("b", 2)
    collection.lock()
    with pytest.raises(ConstraintViolation, match="takes nothing such as 3"):
        collection.putEntity("c", 3)
    assert (collection.listNames(None), collection.listEntities(None)) == (["a", "b"], [("a", 1), ("b", 2)])
    assert collection.getEntity("a", None) == 1 and collection.getEntity("z", None) is None
    with pytest.raises(NotSupportedError, match=r"Locked\.storeEntity"):
        collection.storeEntity("d", None)
