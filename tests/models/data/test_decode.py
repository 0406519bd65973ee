from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from models.data import decode as decoding
from models.data.decode import Unreadable, fit, quiet, with_channels


def packed(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def decode(content: bytes, size: int, channels: int = 3) -> np.ndarray:
    return decoding.decode(content, size, channels).pixels


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


def test_what_a_picture_was():
    pixels = noise(20, 30, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decoding.decode(packed(Image.fromarray(pixels)), 16)[1:] == (30, 20, False)
    assert decoding.decode(packed(Image.fromarray(pixels), exif=exif), 16)[1:] == (20, 30, False)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_further_frames_are_noticed(kind):
    frames = [Image.new("RGB", (16, 16), c) for c in ("red", "blue", "green")]
    one = decoding.decode(packed(frames[0], kind), 16)
    many = decoding.decode(packed(frames[0], kind, save_all=True, append_images=frames[1:]), 16)
    assert (one.animated, many.animated) == (False, True)
    np.testing.assert_allclose(many.pixels, one.pixels, atol=3)
    assert many.pixels[0, 0, 0] > 240


def test_damage_in_a_later_frame_is_no_obstacle():
    frames = [Image.fromarray(noise(40, 40, 3) // k) for k in (1, 2)]
    content = packed(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decoding.decode(content[:-300], 16).pixels.shape == (16, 16, 3)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "P", "RGBA", "1", "I;16"])
def test_one_channel_is_the_luma_of_three(mode):
    image = Image.fromarray(noise(16, 16, 3)).convert("L" if mode == "I;16" else mode)
    content = packed(image.convert("I;16") if mode == "I;16" else image, "TIFF" if mode == "CMYK" else "PNG")
    grey, colour = decode(content, 16, 1), decode(content, 16, 3)
    assert grey.shape == (16, 16, 1)
    np.testing.assert_array_equal(grey[..., 0], np.asarray(Image.fromarray(colour).convert("L")))


def test_channels_of_arrays():
    pictures = noise(3, 4, 4, 3)
    np.testing.assert_array_equal(with_channels(with_channels(pictures[..., :1], 3), 1), pictures[..., :1])
    assert with_channels(pictures, 3) is pictures
    assert fit(Image.new("L", (8, 8), 9), 4, 3).tolist() == [[[9] * 3] * 4] * 4


def png_of_16_bits(pixels: np.ndarray) -> bytes:
    """A colour PNG of 16 bits, which Pillow does not write: (H, W, 3) uint16."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_sixteen_bits_of_colour_become_eight():
    pixels = noise(16, 16, 3)
    out = decode(png_of_16_bits(pixels.astype(np.uint16) * 257), 16)
    np.testing.assert_array_equal(out, pixels)


def test_cmyk_black_and_white():
    for kind in ("JPEG", "TIFF"):
        assert decode(packed(Image.new("CMYK", (16, 16), (0, 0, 0, 255)), kind), 16).max() < 12
        assert decode(packed(Image.new("CMYK", (16, 16), (0, 0, 0, 0)), kind), 16).min() > 243


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_exif(orientation):
    """The upright picture is red above blue above white, green at its left; it is stored as each orientation says."""
    upright = np.full((32, 32, 3), 255, np.uint8)
    upright[:8], upright[8:16] = (255, 0, 0), (0, 0, 255)
    upright[:, :4] = (0, 255, 0)
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(undo[orientation](upright)))
    np.testing.assert_array_equal(decode(packed(stored, exif=exif), 32), upright)


def test_a_tiny_picture_grows():
    assert decode(packed(Image.new("RGB", (1, 1), (1, 2, 3))), 64).shape == (64, 64, 3)
    assert decode(packed(Image.new("L", (1, 300), 7)), 16).max() == 7


def test_a_picture_that_only_claims_to_be_enormous_costs_nothing():
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    small = png_of_16_bits(noise(16, 16, 3))
    content = small[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + small[33:]
    with pytest.raises(Unreadable, match="million pixels"):
        decode(content, 16)


def test_warnings_are_silent_inside_and_come_back_whatever_the_order_of_threads():
    before = list(warnings.filters)
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with quiet():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with quiet():
        thread.start()
        inside.wait(10)
    warnings.warn("heard by nobody, because the other thread is still inside", stacklevel=1)
    leave.set()
    thread.join()
    assert list(warnings.filters) == before
    with pytest.raises(UserWarning):
        warnings.warn("heard", stacklevel=1)
