"""Paths: what `child` and kin let through, what is remembered, and what is done to files."""

from __future__ import annotations

import errno
import os
import pickle
import stat
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from selvage.paths import RWX, FilePath, InsecurePath, LinkError, Permissions, UnlistableError

NAME = st.lists(st.sampled_from(["..", ".", "/", "a", "b", "\0", "~", "\\", "", "é"]), max_size=8).map(
    "".join
)


@pytest.fixture
def root(tmp_path: Path) -> FilePath[str]:
    return FilePath(str(tmp_path))


@given(NAME, st.booleans())
def test_attack_038_a_child_is_an_entry_of_its_directory_whatever_the_name(name, in_bytes):
    root = FilePath("/srv/www")
    try:
        child = root.child(os.fsencode(name) if in_bytes else name)
    except InsecurePath:
        return
    path = os.fsdecode(child.path)
    assert path == "/srv/www" or os.path.dirname(path) == "/srv/www"
    assert "\0" not in path


@given(NAME)
def test_attack_038_a_preauthorized_child_is_below_its_directory_whatever_the_name(name):
    try:
        child = FilePath("/srv/www").preauthChild(name)
    except InsecurePath:
        return
    assert f"{child.path}/".startswith("/srv/www/") and ".." not in child.path.split("/")


@pytest.mark.parametrize(
    "name", ["../www-secret", "../www-secret/x", "/srv/www2", "/etc", "a/../../x", "a\0"]
)
def test_attack_038_what_only_begins_alike_is_not_below(name):
    with pytest.raises(InsecurePath):
        FilePath("/srv/www").preauthChild(name)


def test_every_name_is_below_the_root():
    assert FilePath("/").child("a").path == "/a"
    assert FilePath("/").preauthChild("a/b").path == "/a/b"


def test_paths_keep_their_kind_and_take_that_of_an_argument():
    text, raw = FilePath("/é"), FilePath("/é".encode())
    assert (text.child(b"x").path, raw.child("x").path) == ("/é/x".encode(), "/é/x")
    assert text.asBytesMode() == raw and raw.asTextMode() == text and text.asTextMode() is text
    assert (raw.sep, text.sep) == (b"/", "/")
    # Names need not be text at all.
    assert FilePath(b"/\xff").asTextMode().asBytesMode().path == b"/\xff"


def test_paths_are_values():
    a, b = FilePath("/a"), FilePath("/b")
    assert a < b and b >= a and a == FilePath("/a") and hash(a) == hash(FilePath("/a")) and a != "/a"
    a.exists()
    copy = pickle.loads(pickle.dumps(a))
    assert copy == a and "_statinfo" not in vars(copy)
    assert repr(a) == "FilePath('/a')"


def test_what_is_there_is_remembered_until_it_is_said_to_have_changed(root):
    path = root.child("x")
    assert not path.exists()
    path.setContent(b"123")  # what is not there is not remembered
    assert path.getsize() == 3
    os.truncate(path.path, 1)
    assert path.getsize() == 3
    path.changed()
    assert path.getsize() == 1
    os.remove(path.path)
    assert path.exists()
    with pytest.raises(FileNotFoundError):
        path.restat()
    assert not path.exists() and not path.isdir() and not path.isfile()
    with pytest.raises(FileNotFoundError):
        path.getsize()


def test_content_is_replaced_at_one_stroke(root):
    path = root.child("x")
    path.setContent(b"old")
    with path.open() as reader:
        path.setContent(b"new", ".temporary")
        assert (reader.read(), path.getContent()) == (b"old", b"new")
    assert root.listdir() == ["x"]


def test_a_temporary_sibling_cannot_be_made_by_somebody_else_first(root):
    path = root.child("x").temporarySibling(".t")
    os.symlink("/dev/null", path.path)
    with pytest.raises(FileExistsError):
        path.open("w")
    assert path != root.child("x").temporarySibling(".t")


def test_walking_is_no_circle(root):
    link = root.child("loop")
    root.linkTo(link)
    with pytest.raises(LinkError, match="leads back to"):
        list(root.walk(lambda path: path.basename() == "loop"))
    assert link in list(root.walk(lambda path: False))


def test_links_that_lead_in_a_circle(root):
    root.child("a").linkTo(root.child("b"))
    root.child("b").linkTo(root.child("a"))
    with pytest.raises(LinkError):
        root.child("a").realpath()


def test_what_cannot_be_listed_says_why(root):
    root.child("file").touch()
    for name, number in [("nothing", errno.ENOENT), ("file", errno.ENOTDIR)]:
        with pytest.raises(UnlistableError) as caught:
            root.child(name).children()
        assert caught.value.errno == number
        assert isinstance(caught.value.originalException, OSError)


def test_copies_and_moves(root):
    source = root.child("source")
    source.createDirectory()
    source.child("file").setContent(b"x" * (3 << 20))
    source.child("file").linkTo(source.child("link"))
    source.copyTo(root.child("copy"))
    assert root.descendant(["copy", "link"]).getContent() == b"x" * (3 << 20)
    assert not root.descendant(["copy", "link"]).islink()
    source.copyTo(root.child("links"), followLinks=False)
    assert root.descendant(["links", "link"]).islink()
    root.child("copy").moveTo(root.child("moved"))
    assert sorted(root.listdir()) == ["links", "moved", "source"]
    source.remove()
    with pytest.raises(FileNotFoundError, match="nothing to copy"):
        source.copyTo(root.child("again"))


def test_a_move_to_another_file_system_is_a_copy(root, monkeypatch):
    source, target = root.child("a"), root.child("b")
    source.setContent(b"new")
    target.setContent(b"older")
    rename, refused = os.rename, []

    def rename_within(old, new):
        if not refused:
            refused.append(new)
            raise OSError(errno.EXDEV, "another device")
        rename(old, new)

    monkeypatch.setattr(os, "rename", rename_within)
    source.moveTo(target)
    assert (source.exists(), target.getContent(), root.listdir()) == (False, b"new", ["b"])


def test_patterns_of_the_shell_do_not_come_from_the_directory(root):
    odd = root.child("[a]*")
    odd.createDirectory()
    odd.child("x.txt").touch()
    assert odd.globChildren("*.txt") == [odd.child("x.txt")]
    assert odd.child("x").siblingExtensionSearch(".html", "*") == odd.child("x.txt")
    assert odd.child("y").siblingExtensionSearch("", ".html", "*") is None


def test_permissions_are_read_in_words(root):
    root.chmod(0o750)
    permissions = root.getPermissions()
    assert permissions == Permissions(0o750) and permissions.shorthand() == "rwxr-x---"
    assert permissions.group == RWX(True, False, True)
    assert stat.S_IMODE(os.stat(root.path).st_mode) == 0o750


def test_a_path_leads_to_what_is_above(root):
    path = root.descendant(["a", "b", "c"])
    assert path.segmentsFrom(root) == ["a", "b", "c"] and path.segmentsFrom(path) == []
    assert [p.path for p in FilePath("/a/b").parents()] == ["/a", "/"]
    with pytest.raises(ValueError, match="is not above"):
        root.segmentsFrom(path)


def test_directories_are_made_once_or_as_often_as_one_likes(root):
    path = root.descendant(["a", "b"])
    path.makedirs()
    path.makedirs(ignoreExistingDirectory=True)
    with pytest.raises(FileExistsError):
        path.makedirs()
    root.child("file").touch()
    with pytest.raises(FileExistsError):
        root.child("file").makedirs(ignoreExistingDirectory=True)
