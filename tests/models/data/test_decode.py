from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from models.data.decode import Unreadable, decode


def packed(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_the_centre_square_is_resized_by_area():
    pixels = noise(64, 96, 3)
    expected = pixels[:, 16:80].reshape(16, 4, 16, 4, 3).astype(float).mean((1, 3))
    assert np.abs(decode(packed(Image.fromarray(pixels)), 16) - expected).max() <= 1  # Pillow rounds twice
    tall = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    assert np.abs(decode(packed(Image.fromarray(tall)), 16) - expected.transpose(1, 0, 2)).max() <= 1


def test_a_picture_of_the_right_size_is_left_alone():
    pixels = noise(32, 32, 3)
    np.testing.assert_array_equal(decode(packed(Image.fromarray(pixels)), 32), pixels)


def test_a_smaller_picture_grows():
    assert decode(packed(Image.new("RGB", (5, 9), (10, 20, 30))), 16).tolist() == [[[10, 20, 30]] * 16] * 16


def test_exif_turns_the_picture():
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:16] = 255  # the top as stored; orientation 6 is turned clockwise: it is the right-hand side
    exif = Image.Exif()
    exif[0x0112] = 6
    out = decode(packed(Image.fromarray(pixels), exif=exif), 32)
    assert (out[:, 16:] == 255).all()
    assert (out[:, :16] == 0).all()


def test_sixteen_bits_become_eight():
    grey = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    out = decode(packed(Image.fromarray(grey)), 16)
    np.testing.assert_array_equal(out, np.repeat(np.arange(256).reshape(16, 16, 1), 3, -1))


def test_floats_up_to_one_are_shares_of_white():
    out = decode(packed(Image.fromarray(np.full((16, 16), 0.5, np.float32)), "TIFF"), 16)
    assert set(out.ravel()) == {128}


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB"])
def test_plain_modes(mode):
    image = Image.new("RGB", (16, 16), (255, 255, 255)).convert(mode)
    assert (decode(packed(image), 16) == 255).all()


def test_palette_colours_survive():
    image = Image.new("P", (16, 16), 3)
    image.putpalette([0, 0, 0, 9, 9, 9, 8, 8, 8, 200, 100, 50])
    assert decode(packed(image), 16)[0, 0].tolist() == [200, 100, 50]


@pytest.mark.parametrize(("mode", "ink"), [("RGBA", (200, 0, 0, 0)), ("LA", (0, 0))])
def test_what_is_transparent_is_white(mode, ink):
    assert (decode(packed(Image.new(mode, (16, 16), ink)), 16) == 255).all()


def test_half_transparent_red_lies_over_white():
    assert decode(packed(Image.new("RGBA", (16, 16), (255, 0, 0, 128))), 16)[0, 0].tolist() == [255, 127, 127]


def test_a_transparent_palette_entry_is_white():
    image = Image.new("P", (16, 16), 1)
    image.putpalette([0, 0, 0, 9, 9, 9])
    assert (decode(packed(image, transparency=1), 16) == 255).all()


def test_cmyk_is_converted():
    out = decode(packed(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95), 16)
    assert out[0, 0, 0] > 240
    assert out[0, 0, 1:].max() < 20


def test_of_an_animation_the_first_frame_counts():
    frames = [Image.new("RGB", (16, 16), c) for c in ("red", "blue")]
    out = decode(packed(frames[0], "GIF", save_all=True, append_images=frames[1:]), 16)
    assert out[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"not a picture", "is not a picture"),
        (packed(Image.fromarray(noise(64, 64, 3)))[:4000], "is cut short"),
        (packed(Image.fromarray(noise(64, 64, 3)), "JPEG")[:900], "is cut short"),
    ],
)
def test_why_a_picture_cannot_be_used(content, reason):
    with pytest.raises(Unreadable, match=reason):
        decode(content, 16)


def test_a_picture_of_too_many_pixels_is_refused(monkeypatch):
    content = packed(Image.new("L", (100, 100)))
    for limit in (9_000, 4_000):  # Pillow warns above the limit and raises above twice the limit
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(Unreadable, match="million pixels"):
            decode(content, 16)
