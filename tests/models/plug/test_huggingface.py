from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.errors import BadFile, BadInput
from models.plug import huggingface, open_classifier

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[DEC]", "a", "red", "blue", "dot", "left"]
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


@pytest.fixture(scope="module")
def library():
    with warnings.catch_warnings():  # what the library does while it is imported is its own affair
        warnings.simplefilter("ignore")
        transformers = pytest.importorskip("transformers", reason='the extra "hub" is not installed')
    transformers.utils.logging.set_verbosity(50)
    transformers.utils.logging.disable_progress_bar()
    return transformers


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    if "huggingface_hub" in sys.modules:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def noise(size: int = 16, n: int = 3, channels: int = 3) -> torch.Tensor:
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(3)) * 2 - 1


def built(library, kind: str, **more) -> Any:
    """A tiny random model."""
    vision = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "image_size": 32, "patch_size": 8}
    text = {"vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    places = {"max_position_embeddings": 32, "pad_token_id": 0}
    names = {"id2label": {0: "cat", 1: "dog", 2: "owl"}, "label2id": {"cat": 0, "dog": 1, "owl": 2}}
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        match kind:
            case "vit":
                return library.ViTForImageClassification(library.ViTConfig(**vision, **names, **more)).eval()
            case "resnet":
                sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
                return library.ResNetForImageClassification(library.ResNetConfig(**sizes, **names, **more)).eval()
            case "blip":
                ends = {"bos_token_id": 4, "sep_token_id": 3, "eos_token_id": 3, "encoder_hidden_size": 16, "projection_dim": 8}
                config = library.BlipConfig(text_config={**text, **places, **ends}, vision_config=vision, projection_dim=8)
                return library.BlipForConditionalGeneration(config).eval()
            case "git":
                config = library.GitConfig(vision_config=vision, **text, **places, bos_token_id=2, eos_token_id=3)
                return library.GitForCausalLM(config).eval()
            case _:
                decoder = library.BertConfig(**text, **places, is_decoder=True, add_cross_attention=True, bos_token_id=2, eos_token_id=3)
                config = library.VisionEncoderDecoderConfig.from_encoder_decoder_configs(library.ViTConfig(**vision), decoder)
                config.decoder_start_token_id, config.pad_token_id = 2, 0
                return library.VisionEncoderDecoderModel(config).eval()


def spread(model: Any) -> Any:
    """Random models answer all alike; wider weights make them tell pictures apart."""
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim > 1:
                p.mul_(4)
    return model


def saved(library, model: Any, folder: Path, prepared: dict[str, Any] | None = None, *, words: bool = False) -> Path:
    model.save_pretrained(folder)
    if prepared is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    if words:
        (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
        library.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


PREPARED = {"size": {"height": 32, "width": 32}, "resample": 3, "image_mean": MEAN, "image_std": STD}


def prepared(x: torch.Tensor, mode: str = "bicubic", side: int = 32) -> torch.Tensor:
    """What PREPARED says, written out."""
    big = F.interpolate(x.expand(-1, 3, -1, -1), (side, side), mode=mode, antialias=True, align_corners=False)
    return ((big + 1) / 2 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


# --- classifiers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_an_image_classifier(kind, library, tmp_path, capfd):
    model = built(library, kind)
    folder = saved(library, spread(model) if kind == "vit" else model, tmp_path / kind, PREPARED)
    capfd.readouterr()
    found = open_classifier(str(folder), size=16, channels=3)
    assert capfd.readouterr() == ("", "")
    assert (found.name, dict(found.heads), found.caption_log_p) == (kind, {"class": ("cat", "dog", "owl")}, None)
    x, y = noise().requires_grad_(), noise().requires_grad_()
    ours, theirs = found.logits(x)["class"], model(pixel_values=prepared(y)).logits
    torch.testing.assert_close(ours, theirs)
    slopes = [torch.autograd.grad(v.log_softmax(1)[:, 1].sum(), w)[0] for v, w in ((ours, x), (theirs, y))]
    torch.testing.assert_close(*slopes)
    assert slopes[0].flatten(1).norm(dim=1).gt(0).all()
    assert {"spec", "kind", "sha256", "size", "model"} <= found.origin.keys()
    json.dumps(dict(found.origin), allow_nan=False)
    assert open_classifier(f"hub:{folder}", size=16, channels=3).origin["sha256"] == found.origin["sha256"]


def test_grey_chains_are_repeated(library, tmp_path):
    model = built(library, "resnet")
    folder = saved(library, model, tmp_path / "net", PREPARED)
    found = open_classifier(str(folder), size=16, channels=1)
    x = noise(channels=1)
    torch.testing.assert_close(found.logits(x)["class"], model(pixel_values=prepared(x)).logits)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"size": {"shortest_edge": 40}, "crop_size": 32, "do_center_crop": True, "image_mean": MEAN, "image_std": STD, "resample": 2},
         lambda x: prepared(x, "bilinear", 40)[..., 4:36, 4:36]),
        ({"size": 32, "image_mean": MEAN, "image_std": STD, "do_normalize": False, "resample": 2},
         lambda x: (F.interpolate(x, (32, 32), mode="bilinear", antialias=True) + 1) / 2),
        ({"do_resize": False, "do_rescale": False, "do_normalize": False, "crop_size": 16},
         lambda x: (x + 1) * 127.5),
        ({"size": {"shortest_edge": 28}, "crop_pct": 0.875, "image_mean": MEAN, "image_std": STD},
         lambda x: prepared(x, "bilinear", 32)[..., 2:30, 2:30]),
        ({"size": 32, "do_flip_channel_order": True, "do_normalize": False},
         lambda x: ((F.interpolate(x, (32, 32), mode="bilinear", antialias=True) + 1) / 2).flip(1)),
    ],
)  # fmt: skip
def test_pictures_are_prepared_as_the_folder_says(said, expected, library, tmp_path):
    model = built(library, "resnet")
    found = open_classifier(str(saved(library, model, tmp_path / "net", said)), size=16, channels=3)
    torch.testing.assert_close(found.logits(noise())["class"], model(pixel_values=expected(noise())).logits)


def test_its_own_processor_makes_nearly_the_same_of_a_picture(library, tmp_path):
    picture = np.random.default_rng(0).integers(80, 180, (4, 4, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    folder = saved(library, built(library, "vit"), tmp_path / "net", PREPARED)
    maker = library.ViTImageProcessorPil if hasattr(library, "ViTImageProcessorPil") else library.ViTImageProcessor
    theirs = maker(**PREPARED)(picture, return_tensors="pt")["pixel_values"]
    eye = huggingface._eye(folder, json.loads((folder / "config.json").read_text()), "net")
    ours = eye(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1)
    assert (ours - theirs).abs().max() < 3 / 255 / min(STD)  # theirs rounds to bytes after resizing


def test_labels_of_their_own_are_heads_of_their_own(library, tmp_path):
    model = spread(built(library, "resnet", problem_type="multi_label_classification"))
    found = open_classifier(str(saved(library, model, tmp_path / "net", PREPARED)), size=16, channels=3)
    assert dict(found.heads) == {"cat": ("not cat", "cat"), "dog": ("not dog", "dog"), "owl": ("not owl", "owl")}
    y = model(pixel_values=prepared(noise())).logits
    torch.testing.assert_close(found.logits(noise())["dog"].log_softmax(1)[:, 1], F.logsigmoid(y[:, 1]))


def test_outputs_without_names_or_with_one_twice(library, tmp_path):
    folder = saved(library, built(library, "resnet"), tmp_path / "net", PREPARED)
    config = json.loads((folder / "config.json").read_text())
    for names, expected in ((["crane", "crane", "dog"], ("crane (0)", "crane (1)", "dog")), (["LABEL_0", "b", "c"], ("LABEL_0", "b", "c"))):
        (folder / "config.json").write_text(json.dumps(config | {"id2label": dict(enumerate(names)), "label2id": {}}))
        assert open_classifier(str(folder), size=16, channels=3).heads["class"] == expected


# --- captioners ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["blip", "git", "vision-encoder-decoder"])
def test_a_captioner(kind, library, tmp_path):
    folder = saved(library, spread(built(library, kind)), tmp_path / kind, PREPARED, words=True)
    found = open_classifier(str(folder), size=16, channels=3)
    assert not found.heads
    assert not found.logits(noise())
    assert found.caption_log_p
    x = noise().requires_grad_()
    long = found.caption_log_p("A red dot", x)
    assert long.shape == (3, 4)
    assert (long < 0).all()
    slope = torch.autograd.grad(long.sum(), x)[0]
    assert slope.flatten(1).norm(dim=1).gt(0).all()
    other = found.caption_log_p("a red left", noise())
    torch.testing.assert_close(long[:, :2], other[:, :2])  # a word's probability hangs on the words before it alone
    assert not torch.allclose(long[:, 2], other[:, 2])


@pytest.mark.parametrize("kind", ["blip", "git", "vision-encoder-decoder"])
def test_the_probabilities_of_all_words_sum_to_one(kind, library, tmp_path):
    folder = saved(library, spread(built(library, kind)), tmp_path / kind, PREPARED, words=True)
    found = open_classifier(str(folder), size=16, channels=3)
    assert found.caption_log_p
    x = noise(n=2)
    known = [w for w in WORDS if not w.startswith("[")]
    with torch.no_grad():
        shares = torch.stack([found.caption_log_p(f"red {w}", x)[:, 1] for w in known], 1).exp().sum(1)
        ended = found.caption_log_p("red", x)[:, 1].exp()
    assert (shares + ended < 1).all()  # the rest is that of the other signs
    assert (shares + ended > 0.01).all()


@pytest.mark.parametrize("kind", ["blip", "git", "vision-encoder-decoder"])
def test_the_most_probable_words_are_those_that_the_model_says(kind, library, tmp_path):
    model = spread(built(library, kind))
    folder = saved(library, model, tmp_path / kind, PREPARED, words=True)
    found = open_classifier(str(folder), size=16, channels=3)
    assert found.caption_log_p
    x = noise(n=1)
    tokens = library.BertTokenizer.from_pretrained(folder)
    start = {"blip": 4, "git": 2}.get(kind, 2)
    name = "decoder_input_ids" if kind == "vision-encoder-decoder" else "input_ids"
    with torch.no_grad():
        logits = model(pixel_values=prepared(x), **{name: torch.tensor([[start, 6]])}).logits[0, -1]
    for word in ("a", "blue", "dot"):
        expected = logits.log_softmax(0)[tokens.convert_tokens_to_ids(word)]
        torch.testing.assert_close(found.caption_log_p(f"red {word}", x)[0, 1], expected)


def test_words_that_it_does_not_know(library, tmp_path):
    folder = saved(library, built(library, "git"), tmp_path / "git", PREPARED, words=True)
    found = open_classifier(str(folder), size=16, channels=3)
    assert found.caption_log_p
    for sentence, reason in (("a green dot", "does not know the word 'green'"), ("", "at least one word"), ("a " * 80, "at most 64")):
        with pytest.raises(BadInput, match=reason):
            found.caption_log_p(sentence, noise())


def test_a_captioner_without_its_tokenizer(library, tmp_path):
    with pytest.raises(BadInput, match="has no tokenizer that can be read"):
        open_classifier(str(saved(library, built(library, "git"), tmp_path / "git", PREPARED)), size=16, channels=3)


# --- folders that will not do -------------------------------------------------------------------------------------


def test_pickled_weights_are_refused(library, tmp_path):
    folder = saved(library, built(library, "resnet"), tmp_path / "net")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BadFile, match=r"pytorch_model\.bin alone, a pickled file that can run any code .* save_pretrained"):
        open_classifier(str(folder), size=16, channels=3)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(BadFile, match=r"no \*\.safetensors"):
        open_classifier(str(folder), size=16, channels=3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_type": "llama"}, "of the kind 'llama'"),
        ({"model_type": None}, "of the kind None"),
        ({"auto_map": {"AutoModelForImageClassification": "evil.Net"}}, "brings code of its own"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "is quantised"),
        ({"use_timm_backbone": True}, "fetched from elsewhere"),
        ({"hidden_sizes": [8, 24]}, "cannot be opened by transformers"),
        ({"num_channels": 5}, "cannot be made"),
    ],
)
def test_configurations_that_are_refused(change, reason, library, tmp_path):
    folder = saved(library, built(library, "resnet"), tmp_path / "net")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w')\n")
    with pytest.raises(BadInput, match=reason) as error:
        open_classifier(str(folder), size=16, channels=3)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "marker").exists()


def test_a_model_without_its_head_is_refused(library, tmp_path):
    model = built(library, "vit")
    model.vit.save_pretrained(tmp_path / "net")
    with pytest.raises(BadInput, match=r"lacks weights .* its answers would be random"):
        open_classifier(str(tmp_path / "net"), size=16, channels=3)


def test_folders_that_are_damaged(library, tmp_path):
    folder = saved(library, built(library, "resnet"), tmp_path / "net", PREPARED)
    (folder / "preprocessor_config.json").write_text('{"size": {"height": "wide"}}')
    with pytest.raises(BadFile, match="cannot be understood"):
        open_classifier(str(folder), size=16, channels=3)
    (folder / "preprocessor_config.json").write_text("[1]")
    with pytest.raises(BadFile, match="not a JSON object"):
        open_classifier(str(folder), size=16, channels=3)
    (folder / "preprocessor_config.json").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../pytorch_model.bin"}}))
    with pytest.raises(BadFile, match="no safetensors file of the folder"):
        open_classifier(str(folder), size=16, channels=3)
    (folder / "model.safetensors.index.json").unlink()
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(BadFile, match="is an adapter"):
        open_classifier(str(folder), size=16, channels=3)
    (folder / "adapter_config.json").unlink()
    (folder / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(BadInput, match="cannot be opened"):
        open_classifier(str(folder), size=16, channels=3)


def test_names_that_lead_nowhere(library):
    for spec in ("hub:", "hub:/gone", "hub:./gone"):
        with pytest.raises(BadInput, match="There is no folder"):
            open_classifier(spec, size=16, channels=3)
    with pytest.raises(BadInput, match=r"on the hub|hub cannot be reached"):
        open_classifier("hub:nobody/nothing", size=16, channels=3)


def test_only_safe_files_are_fetched(library, monkeypatch, tmp_path):
    folder = saved(library, built(library, "resnet"), tmp_path / "net", PREPARED)
    asked: dict[str, Any] = {}

    def fetch(name, **more):
        asked.update(name=name, **more)
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    found = open_classifier("hub:somebody/net", size=16, channels=3)
    assert asked == {"name": "somebody/net", "allow_patterns": ["*.json", "*.safetensors", "*.txt"]}
    assert (found.name, found.origin["spec"]) == ("net", "hub:somebody/net")


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(BadInput, match=r'needs the extra "hub": install it with  pip install "sampling-studio\[hub\]"'):
        open_classifier("hub:somebody/net", size=16, channels=3)
