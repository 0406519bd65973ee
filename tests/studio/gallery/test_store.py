"""The gallery's file: what is kept and found again, several writers, and files that cannot be used."""

import sqlite3
import threading
from dataclasses import replace

import pytest

from models.errors import BadFile, BadInput, DiskTrouble
from studio.gallery import Gallery, schema
from tests.studio.gallery.kept import chains, faces, fill, fillings, sentences


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gallery.db"


@pytest.fixture
def gallery(path):
    fill(path)
    opened = Gallery.open(path)
    yield opened
    opened.close()


def test_the_same_sample_is_kept_once_with_one_recipe_for_all(gallery):
    first = gallery.keep(faces())
    assert gallery.keep(faces()) == first
    assert gallery.count() == 13
    assert gallery.keep(faces(seed=1), rows=[4, 2, 4]) == [14, 15]
    assert [e.row for e in gallery.entries([14, 15])] == [4, 2]
    assert gallery._one("SELECT count(*) FROM recipes")[0] == 4
    entry = gallery.entry(first[2])
    assert (entry.kind, entry.system, entry.run, entry.step, entry.seed, entry.row, entry.width) == ("picture", "began", "face run", 100, 0, 2, 16)
    assert entry.score_name == "L(v)"
    with pytest.raises(BadInput, match="numbered from 0"):
        gallery.keep(faces(), rows=[6])
    with pytest.raises(BadInput, match="no samples"):
        gallery.keep(replace(faces(), pictures=None))


def test_every_kind_of_sample_has_a_recipe_of_its_own(gallery):
    from studio.gallery.keeping import pixels_of

    assert gallery.recipe(3)["made"] == {"seed": 0, "ema": True, "count": 1, "rows": [2, 3]}
    assert (pixels_of(gallery.png(3)) == faces().pictures[2]).all()
    assert gallery.recipe(8)["made"] == {"seed": 0, "options": {"temperature": 1.0}, "count": 1, "rows": [1, 2]}
    assert gallery.recipe(12)["made"] == {"seed": 3, "chain": 1}
    chain = gallery.entry(12)
    assert (chain.label, chain.scores) == ("hat", {"log p": 1.0})
    kept = gallery.entries(gallery.keep(fillings()))
    assert [e.text for e in kept] == ["the cat sat", "the dog sat"] * 2
    assert gallery.recipe(kept[3].id)["made"]["nets"] == ["maskmle"]
    assert gallery.entry(10).scores == {}  # a number that is none is left out


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [11, 12, 13, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6]),
        ({"sort": "oldest"}, [*range(1, 14)]),
        ({"kind": "text", "sort": "score"}, [8, 7, 9, 10]),
        ({"system": "ppgn", "sort": "class"}, [11, 13, 12]),
        ({"label": "hat"}, [12]),
        ({"text": "cat hat"}, [8]),
        ({"text": "100%"}, [9]),
        ({"text": "ran_a"}, [9]),
        ({"text": "%"}, [9]),
        ({"text": "odd"}, [2, 12]),
        ({"tag": "odd ones"}, [2, 12]),
        ({"starred": True}, [3]),
        ({"board": "b", "sort": "board"}, [9, 1, 12]),
        ({"board": "b", "kind": "picture", "sort": "board"}, [1, 12]),
        ({"run": "000000000000035b"}, []),
    ],
    ids=str,
)
def test_queries(gallery, asked, found):
    gallery.star([3])
    gallery.tag([2, 12], " odd   ones, ")
    gallery.set_board("b", [9, 1, 12, 9, 77])
    known = list(gallery.query(**asked))
    assert known == found if "sort" in asked else sorted(known) == sorted(found)
    assert gallery.any(**{k: v for k, v in asked.items() if k != "sort"}) == bool(found)


def test_scores_where_less_is_better_begin_with_the_lowest(gallery):
    scores = [e.score for e in gallery.entries(gallery.query(system="began", sort="score"))]
    assert scores == sorted(scores)


def test_what_is_removed_comes_back_to_its_board(gallery):
    gallery.set_board("b", [3, 1, 2])
    gallery.remove([1])
    assert (gallery.board("b"), gallery.count(), gallery.boards()) == ([3, 2], 12, [("b", 2)])
    with pytest.raises(BadInput, match="no sample 1"):
        gallery.entry(1)
    gallery.restore([1])
    assert gallery.board("b") == [3, 1, 2]
    gallery.remove([1])
    assert gallery.keep(faces(), rows=[0]) == [1]  # kept again
    gallery.rename_board("b", "c")
    assert gallery.boards() == [("c", 3)]
    with pytest.raises(BadInput, match="there are: c"):
        gallery.board("b")
    with pytest.raises(BadInput, match="1 to 80 letters"):
        gallery.set_board(" \n", [])
    with pytest.raises(BadInput, match="1 to 60"):
        gallery.tag([1], ", ")


def test_what_was_removed_long_ago_is_forgotten(gallery, path, monkeypatch):
    from studio.gallery import store

    gallery.remove(range(11, 14))
    monkeypatch.setattr(store, "KEPT", -1.0)
    again = Gallery.open(path)
    assert again._one("SELECT count(*) FROM entries")[0] == 10
    assert again._one("SELECT count(*) FROM recipes")[0] == 2
    assert again._one("SELECT count(*) FROM pictures")[0] == 6
    again.close()


def test_several_windows_write_at_once(path):
    ids, problems = [], []

    def keep(seed):
        try:
            own = Gallery.open(path)
            for step in range(8):
                ids.extend(own.keep(faces(2, seed, step)))
            own.close()
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=keep, args=(s,)) for s in range(3)]
    watching = Gallery.open(path)
    before = watching.version()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert len(set(ids)) == watching.count() == 48
    assert watching.version() != before
    watching.close()


@pytest.mark.parametrize("way", ["torn", "noise", "other", "newer"])
def test_a_file_that_cannot_be_used_is_set_aside(path, way):
    fill(path)
    content = path.read_bytes()
    if way == "torn":
        path.write_bytes(content[: len(content) // 2])
    elif way == "noise":
        path.write_bytes(b"no gallery at all" * 999)
    else:
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99" if way == "newer" else "PRAGMA application_id = 1")
        db.close()
    found = path.read_bytes()
    gallery = Gallery.open(path)
    name = f"gallery-{'newer' if way == 'newer' else 'damaged'}-1.db"
    assert name in gallery.problem
    assert gallery.problem.count(". ") == 0
    assert path.with_name(name).read_bytes() == found
    assert len(gallery.keep(faces())) == gallery.count() == 6
    gallery.close()
    again = Gallery.open(path)
    assert (again.problem, again.count()) == ("", 6)
    again.close()


def test_an_older_file_is_brought_up_to_date(path, monkeypatch):
    fill(path)
    monkeypatch.setattr(schema, "SCHEMA", 2)
    monkeypatch.setattr(schema, "MIGRATIONS", {1: lambda db: db.execute("ALTER TABLE boards ADD COLUMN colour TEXT")})
    gallery = Gallery.open(path)
    assert gallery.count() == 13
    assert gallery._one("SELECT colour FROM boards") is None
    assert gallery._one("PRAGMA user_version")[0] == 2
    gallery.close()


def test_a_full_disk_loses_nothing(gallery):
    pages = gallery._one("PRAGMA page_count")[0]
    gallery._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskTrouble, match="is full: free some space"):
        gallery.keep(replace(faces(64, 5), pictures=faces(64, 5).pictures.repeat(4, 1).repeat(4, 2)))
    gallery._db.execute("PRAGMA max_page_count = 100000")
    assert gallery.count() == 13
    assert len(gallery.keep(faces(3, 5))) == 3


def test_damage_that_shows_later_is_one_sentence(gallery, path):
    with pytest.raises(BadFile, match="damaged: start Sampling Studio again"):
        gallery._all("SELECT * FROM nowhere")
    path.parent.joinpath("no").write_text("a file")
    with pytest.raises(DiskTrouble, match=r"gallery\.db"):
        Gallery.open(path.parent / "no" / "gallery.db")


def test_what_chains_share_is_kept_whole(gallery):
    assert gallery.keep(chains()) == [11, 12, 13]
    assert gallery.keep(sentences()) == [7, 8, 9, 10]


def test_what_is_kept_can_be_read_on_a_full_disk(path, monkeypatch):
    def full(_):
        raise sqlite3.OperationalError("database or disk is full")

    fill(path)
    before = Gallery.open(path)
    before.star([2])  # in the file beside
    whole = path.with_name("copy.db")
    for ending in ("", "-wal"):
        whole.with_name(whole.name + ending).write_bytes(path.with_name(path.name + ending).read_bytes())
    before.close()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "connect", full)
        for one in (path, whole):
            reading = Gallery.open(one)
            assert (reading.count(), reading.count(starred=True), reading.writes) == (13, 1, False)
            with pytest.raises(DiskTrouble, match="is full: free some space"):
                reading.star([3])
            assert reading.entry(3).star is False
            reading.close()
        with pytest.raises(DiskTrouble, match="is full"):
            Gallery.open(path.with_name("new.db"))
        reading = Gallery.open(path)
    reading.star([3])  # there is room again
    assert (reading.writes, reading.count(starred=True)) == (True, 2)
    reading.close()
    path.with_name("folder.db").mkdir()
    with pytest.raises(BadFile, match="is a folder"):
        Gallery.open(path.with_name("folder.db"))
