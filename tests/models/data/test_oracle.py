from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import torch

from models.data import oracle
from models.errors import BadData

V, E, H = 30, 5, 7


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(oracle, "OWN", 200)


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    out = {"emb": (V, E), "V": (H, V), "c": (V,)}
    out |= {f"{k}{g}": s for g in "ifoc" for k, s in (("W", (E, H)), ("U", (H, H)), ("b", (H,)))}
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in out.items()}


def saved(path, arrays):
    np.savez(path, **arrays)
    return path


def by_hand(a: dict[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
    """log p of every token in float64: x W + h U + b, as the paper's appendix has it."""
    a = {k: v.astype(np.float64) for k, v in a.items()}

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    out = np.empty(rows.shape)
    for n, row in enumerate(rows):
        h, c, before = np.zeros(H), np.zeros(H), 0
        for t, token in enumerate(row):
            x = a["emb"][before]
            i = sigmoid(x @ a["Wi"] + h @ a["Ui"] + a["bi"])
            f = sigmoid(x @ a["Wf"] + h @ a["Uf"] + a["bf"])
            o = sigmoid(x @ a["Wo"] + h @ a["Uo"] + a["bo"])
            c = f * c + i * np.tanh(x @ a["Wc"] + h @ a["Uc"] + a["bc"])
            h = o * np.tanh(c)
            logits = h @ a["V"] + a["c"]
            out[n, t] = logits[token] - logits.max() - np.log(np.exp(logits - logits.max()).sum())
            before = token
    return out


def test_an_imported_oracle_is_the_lstm_of_its_arrays(tmp_path, arrays):
    found = oracle.load(saved(tmp_path / "a.npz", arrays))
    rows = np.random.default_rng(0).integers(0, V, (20, 11))
    want = by_hand(arrays, rows)
    with torch.inference_mode():
        np.testing.assert_allclose(found.net.log_p(torch.from_numpy(rows)).numpy(), want, atol=1e-5)
    np.testing.assert_allclose(found.nll(rows), -want.mean(1), atol=1e-5)
    swapped = arrays | {"Wo": arrays["Wc"], "Wc": arrays["Wo"]}  # the order of the gates matters
    assert np.abs(oracle.load(saved(tmp_path / "b.npz", swapped)).nll(rows) + want.mean(1)).max() > 0.01


def test_saved_and_loaded_has_the_same_bits(tmp_path, arrays):
    first = oracle.make(7, V, E, H)
    first.save(tmp_path / "a.npz")
    again = oracle.load(tmp_path / "a.npz")
    assert again.hash == first.hash != oracle.make(8, V, E, H).hash
    assert (again.floor, again.floor_se, again.ceiling) == (first.floor, first.floor_se, first.ceiling)
    for a, b in zip(first.net.parameters(), again.net.parameters(), strict=True):
        assert torch.equal(a, b)
    oracle.load(saved(tmp_path / "b.npz", arrays)).save(tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz", allow_pickle=False) as back:
        assert set(back.files) == set(arrays)
        assert all(np.array_equal(back[name], arrays[name]) for name in arrays)


def test_every_number_is_normal():
    net = oracle.make(0, 400, 32, 32).net
    for name, p in net.named_parameters():
        if name.endswith("bias_hh_l0"):
            assert not p.any()
        else:
            assert abs(p.mean()) < 6 / p.numel() ** 0.5
            assert abs(p.std() - 1) < 6 / (2 * p.numel()) ** 0.5


def test_sentences_are_functions_of_seed_and_number():
    one = oracle.make(1, V, E, H)
    rows = one.draw(3, 700, 9)
    assert rows.shape == (700, 9)
    assert np.array_equal(one.draw(3, 20, 9), rows[:20])
    assert not np.array_equal(one.draw(4, 20, 9), rows[:20])
    assert not np.array_equal(one.draw(3, 20, 9, stream=1), rows[:20])


def test_kept_sentences_are_the_drawn_ones(monkeypatch):
    one, again = oracle.make(1, V, E, H, T=0), oracle.make(1, V, E, H, T=0)
    rows = one.sentences(3, 50, 9)
    assert np.array_equal(rows, one.draw(3, 50, 9))
    (path,) = oracle.cache.folder().glob("*.npz")
    whole = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(oracle.Oracle, "draw", lambda *_, **__: pytest.fail("drawn again"))
        assert np.array_equal(again.sentences(3, 50, 9), rows)
    assert (again.floor, again.floor_se, again.ceiling) == (one.floor, one.floor_se, one.ceiling)
    changed = bytearray(whole)
    changed[whole.index(rows.tobytes()[:64])] ^= 1
    for damaged in (whole[:200], b"", bytes(changed)):
        path.write_bytes(damaged)
        assert np.array_equal(again.sentences(3, 50, 9), rows)
        with np.load(path, allow_pickle=False) as file:
            assert np.array_equal(file["rows"], rows)  # written again


def test_sentences_follow_its_distribution():
    one = oracle.make(2, 12, 4, 4)
    first = np.bincount(one.draw(0, 5_000, 1)[:, 0], minlength=12)
    with torch.inference_mode():
        p = one.net.log_p(torch.arange(12)[:, None])[:, 0].double().exp().numpy()
    assert p.sum() == pytest.approx(1, abs=1e-6)
    z = (first - 5_000 * p) / np.sqrt(5_000 * p * (1 - p) + 1e-9)
    assert np.abs(z).max() < 4.5


def test_floor_and_ceiling():
    one = oracle.make(0, 200, 16, 16)
    own = one.nll(one.draw(99, 1_000, 20))
    assert abs(own.mean() - one.floor) < 4.5 * np.hypot(one.floor_se, own.std() / 1_000**0.5)
    assert one.floor < np.log(200) < one.ceiling
    uniform = np.random.default_rng(0).integers(0, 200, (500, 20))
    assert one.nll(uniform).mean() == pytest.approx(one.ceiling, abs=0.3)  # an untrained net is nearly uniform


def test_a_token_of_another_vocabulary(arrays):
    one = oracle.make(0, V, E, H)
    with pytest.raises(BadData, match=r"Token 30 is not .* 0 … 29"):
        one.nll(np.array([[0, 30]]))
    assert one.nll(np.empty((0, 4), np.int64)).shape == (0,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Wi": None}, r"has no array 'Wi' \(its arrays: emb, "),
        ({"Wf": np.zeros((H, E), np.float32)}, r"'Wf' .* has the shape \(7, 5\) and should have \(5, 7\)"),
        ({"V": np.zeros((V, H), np.float32)}, r"'V' .* has the shape \(30, 7\) and should have \(7, 30\)"),
        ({"c": np.zeros((V, 1), np.float32)}, r"'c' .* should have \(30,\)"),
        ({"bi": np.zeros((1, H), np.float32)}, r"'bi' .* the shape \(1, 7\): an oracle's bias is \(h,\)"),
        ({"emb": np.zeros(V, np.float32)}, r"'emb' .* the shape \(30,\): .* \(V, e\)"),
        ({"Uo": np.zeros((H, H), np.int64)}, r"'Uo' .* holds int64 and should hold floats of shape \(7, 7\)"),
        ({"Uo": np.zeros((H, H), np.complex64)}, "neither numbers nor words"),
        ({"bc": np.full(H, np.nan, np.float32)}, r"'bc' .* of shape \(7,\) holds 7 numbers that are NaN or infinite"),
        ({"bc": np.full(H, 1e200)}, "NaN or infinite"),  # too large for float32
        ({"bo": np.array([None] * H)}, "never unpickled"),
    ],
)
def test_arrays_that_are_no_oracle(tmp_path, arrays, change, words):
    kept = {k: v for k, v in (arrays | change).items() if v is not None}
    with pytest.raises(BadData, match=words) as said:
        oracle.load(saved(tmp_path / "a.npz", kept))
    assert str(said.value).count("\n") == 0


def test_float64_is_taken(tmp_path, arrays):
    wide = {k: v.astype(np.float64) for k, v in arrays.items()}
    assert oracle.load(saved(tmp_path / "a.npz", wide)).hash == oracle.load(saved(tmp_path / "b.npz", arrays)).hash


def test_files_that_are_no_npz(tmp_path, arrays):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(BadData, match=r"not an \.npz that can be read"):
        oracle.load(tmp_path / "a.npz")
    with pytest.raises(BadData, match="cannot be read"):
        oracle.load(tmp_path / "none.npz")
    whole = saved(tmp_path / "b.npz", arrays).read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadData, match="damaged or cut short"):
        oracle.load(tmp_path / "b.npz")


def test_a_bomb_is_refused(tmp_path, arrays):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in (arrays | {"c": np.zeros(9_000_000, np.float32)}).items():
            file = io.BytesIO()
            np.save(file, values)
            archive.writestr(f"{name}.npy", file.getvalue())
    with pytest.raises(BadData, match=r"is refused: its member 'c\.npy' would unpack to"):
        oracle.load(tmp_path / "a.npz")


@pytest.mark.parametrize(("V", "e", "h"), [(1, 4, 4), (200_001, 4, 4), (10, 0, 4), (10, 4, 5000)])
def test_sizes_that_cannot_be_had(V, e, h):
    with pytest.raises(BadData, match="An oracle cannot have"):
        oracle.make(0, V, e, h)
