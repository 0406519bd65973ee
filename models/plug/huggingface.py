"""Models of Hugging Face, from config.json and safetensors alone: classifiers of pictures, and captioners (BLIP, GIT, vision encoder-decoders).

Only kinds of models that transformers itself has are opened; code that a folder brings is never run. What a folder says about how pictures are
prepared (preprocessor_config.json) is done here, in a way that passes gradients: no torchvision, no image processor.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.data.decode import quiet
from models.data.reach import offline_unless_reachable
from models.device import choose
from models.errors import BadFile, BadInput
from models.plug.proof import proven
from models.plug.seeing import Eye
from models.samplers.parts import Classifier

CLASSIFIERS = (
    "beit", "bit", "clip", "convnext", "convnextv2", "cvt", "data2vec-vision", "deit", "dinov2", "dinov2_with_registers", "focalnet", "hgnet_v2",
    "hiera", "ijepa", "levit", "mobilenet_v1", "mobilenet_v2", "mobilevit", "mobilevitv2", "poolformer", "pvt", "pvt_v2", "regnet",
    "resnet", "segformer", "siglip", "swiftformer", "swin", "swinv2", "textnet", "vit", "vit_msn",
)  # fmt: skip
CAPTIONERS = {"blip": "BlipForConditionalGeneration", "git": "GitForCausalLM", "vision-encoder-decoder": "VisionEncoderDecoderModel"}
HALVES = (*CLASSIFIERS, "bert", "roberta", "gpt2", "distilbert", "electra", "opt", "blip_vision_model", "blip_text_model", "git_vision_model",
          "clip_vision_model", "clip_text_model", "siglip_vision_model", "siglip_text_model")  # fmt: skip
WANTED = ["*.json", "*.safetensors", "*.txt"]
MODES = {0: "nearest", 2: "bilinear", 3: "bicubic"}
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json")
LONGEST = 64  # words of a sentence


def open_huggingface(spec: str, *, size: int, channels: int, device: str) -> Classifier:
    """A classifier or captioner from a folder, or from the hub (hub:NAME, downloaded once into its cache).

    Raises:
        BadInput and below: the extra is not installed, the folder lacks what it needs, or the model is of another kind or not differentiable.
    """
    with _library() as library:
        folder = _folder(spec, library)
        name = spec.removeprefix("hub:").rstrip("/").rpartition("/")[2] or spec
        config = _config(folder, name)
        where = choose(device).device
        eye = _eye(folder, config, name)
        origin = {"spec": spec, "kind": "huggingface", "model": config["model_type"], "size": eye.crop or eye.size}
        origin["sha256"] = _digest(folder)
        model = _model(library, folder, config, name).to(where)
        if config["model_type"] in CAPTIONERS:
            return _captioner(library, folder, config, model, eye, name, origin, size=size, channels=channels)
    return _classifier(model, eye, name, origin, size=size, channels=channels)


# --- what is in the folder ----------------------------------------------------------------------------------------


def _folder(spec: str, library: Any) -> Path:
    name = spec.removeprefix("hub:")
    path = Path(name).expanduser()
    if name.strip() and path.is_dir():
        return _checked(path)
    if not spec.startswith("hub:") or not name.strip() or name.startswith(("/", ".", "~", "\\")):
        raise BadFile(f"There is no folder {name!r}: give a Hugging Face folder that is here, or hub:NAME for a model of the hub.")
    try:
        with offline_unless_reachable():
            return _checked(Path(library[1].snapshot_download(name, allow_patterns=WANTED)))
    except BadInput:
        raise
    except Exception as error:  # the library's own, and those of the network
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if kinds & {"RepositoryNotFoundError", "HFValidationError", "GatedRepoError"}:
            raise BadInput(f"There is no model {name!r} on the hub that can be fetched: check its name, or give a folder that is here.") from None
        raise BadInput(
            f"The hub cannot be reached for {name!r} ({type(error).__name__}): check the network, or give a folder that is here."
        ) from None


def _checked(folder: Path) -> Path:
    if not (folder / "config.json").is_file():
        raise BadFile(f"{folder} is neither a run (it has no run.json) nor a Hugging Face folder (it has no config.json): give one of the two.")
    if (folder / "adapter_config.json").exists():
        raise BadFile(f"{folder.name} is an adapter of another model, which would be fetched from elsewhere: merge it and save the whole model.")
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(p.name for ending in ("bin", "pt", "pth", "ckpt", "pkl") for p in folder.glob(f"*.{ending}"))
        if pickled:
            raise BadFile(
                f"{folder.name} has its weights in {pickled[0]} alone, a pickled file that can run any code when it is opened: save the model "
                "again with save_pretrained, which writes safetensors."
            )
        raise BadFile(f"{folder.name} has a config.json but no *.safetensors with weights: fetch the model again, or save it with save_pretrained.")
    index = folder / "model.safetensors.index.json"
    if index.exists():
        for shard in set((_json(index).get("weight_map") or {}).values()):
            if not isinstance(shard, str) or Path(shard).name != shard or not shard.endswith(".safetensors"):
                raise BadFile(f"{index.name} of {folder.name} names {shard!r}, which is no safetensors file of the folder: fetch the model again.")
    return folder


def _config(folder: Path, name: str) -> dict[str, Any]:
    """config.json; raises BadInput where the model is of a kind that is not opened."""
    config = _json(folder / "config.json")
    found = config.get("model_type")
    if found not in CLASSIFIERS and found not in CAPTIONERS:
        raise BadInput(
            f"{name} is a model of the kind {found!r}, which this version does not open: give an image classifier such as ViT, ResNet or ConvNeXT, "
            "or a captioner (BLIP, GIT, vision encoder-decoder)."
        )
    for part in [config, *(v for v in config.values() if isinstance(v, dict))]:
        for key in ("auto_map", "quantization_config"):
            if part.get(key):
                why = "brings code of its own" if key == "auto_map" else "is quantised, and has no gradients"
                raise BadInput(f"{name} {why} ({key} in config.json), so it is not opened: save it as a plain transformers model.")
        if part.get("use_timm_backbone") or part.get("use_pretrained_backbone"):
            raise BadInput(f"{name} is built on a model that would be fetched from elsewhere (its backbone): save it with its own weights.")
        if part is not config and part.get("model_type") not in (None, *HALVES):
            raise BadInput(f"{name} is made of a {part['model_type']!r}, which this version does not open: choose another model.")
    return config


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadFile(f"{path.name} of {path.parent.name} cannot be read ({str(error)[:120]}): fetch the model again.") from None
    if not isinstance(found, dict):
        raise BadFile(f"{path.name} of {path.parent.name} is not a JSON object: fetch the model again.")
    return found


def _digest(folder: Path) -> str:
    """SHA-256 over config.json and the weights, with their names."""
    digest = hashlib.sha256()
    for path in [folder / "config.json", *sorted(folder.glob("*.safetensors"))]:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _eye(folder: Path, config: dict[str, Any], name: str) -> Eye:
    """How pictures are prepared, from preprocessor_config.json; without one, to [-1, 1] at the model's own size."""
    path = folder / "preprocessor_config.json"
    p = _json(path) if path.is_file() else {}
    vision = config.get("vision_config") or config.get("encoder") or config
    own = _side(vision.get("image_size"))
    try:
        crop = _side(p.get("crop_size")) if p.get("do_center_crop", bool(p.get("crop_size"))) and p.get("crop_size") else None
        side = (_side(p.get("size")) if p.get("do_resize", True) else None) or crop or own or 224
        if p.get("crop_pct") and side < 384 and (p.get("size") or {}).get("shortest_edge"):  # ConvNeXT and PoolFormer: enlarge, then cut
            side, crop = int(side / p["crop_pct"]), side
        scale = 255 * float(p.get("rescale_factor", 1 / 255)) if p.get("do_rescale", True) else 255.0
        mean, std = (p.get("image_mean"), p.get("image_std")) if p.get("do_normalize", True) else ((), ())
        mean, std = ((0.5,) * 3 if v is None else tuple(float(n) for n in v) for v in (mean, std))
        count = int(vision.get("num_channels", 3))
        mode = MODES.get(int(p.get("resample", 2)), "bicubic")
        eye = Eye(side, count, (0.0, scale), mean[:count], std[:count], mode, crop, reverse=bool(p.get("do_flip_channel_order")))
    except (TypeError, ValueError, KeyError, AttributeError, ZeroDivisionError):
        raise BadFile(f"preprocessor_config.json of {name} cannot be understood: fetch the model again.") from None
    if not 1 <= (eye.crop or eye.size) <= eye.size <= 2048 or count not in (1, 3) or any(s <= 0 for s in eye.std):
        raise BadInput(f"{name} wants pictures that cannot be made (size {side}, {count} channels): choose another model.")
    return eye


def _side(size: Any) -> int | None:
    """One side, from 224, {"height": 224, …}, {"shortest_edge": 224} or [224, 224]."""
    if isinstance(size, dict):
        size = size.get("shortest_edge") or size.get("height")
    if isinstance(size, list):
        size = size[0] if size else None
    return int(size) if size else None


# --- the library --------------------------------------------------------------------------------------------------


@contextmanager
def _library() -> Iterator[Any]:
    """(transformers, huggingface_hub), which keep bars and warnings to themselves meanwhile."""
    with quiet():
        try:
            import huggingface_hub
            import transformers
            from tqdm import tqdm
        except ImportError:
            raise BadInput(
                'A Hugging Face model needs the extra "hub": install it with  pip install "sampling-studio[hub]"  and try again.'
            ) from None
        logs = transformers.utils.logging
        level, bars = logs.get_verbosity(), logs.is_progress_bar_enabled()
        logs.set_verbosity(50)
        tqdm.monitor_interval = 0  # or its bars, even those not shown, leave a thread behind
        logs.disable_progress_bar()
        try:
            yield transformers, huggingface_hub
        finally:
            logs.set_verbosity(level)
            if bars:
                logs.enable_progress_bar()


def _model(library: Any, folder: Path, config: dict[str, Any], name: str) -> Any:
    """The model in the mode of evaluation, float32, with all its weights from the folder; raises BadInput."""
    transformers, kind = library[0], config["model_type"]
    maker = getattr(transformers, CAPTIONERS[kind]) if kind in CAPTIONERS else transformers.AutoModelForImageClassification
    more = {} if kind in CAPTIONERS else {"trust_remote_code": False}
    try:
        model, told = maker.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, attn_implementation="eager", output_loading_info=True, **more
        )
    except Exception as error:  # the library's own
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BadInput(f"{name} cannot be opened by transformers ({lines[0][:160].rstrip('.')}): fetch it again, or choose another.") from None
    if missing := sorted(told.get("missing_keys") or ()):
        raise BadInput(f"{name} lacks weights ({missing[0]} and {len(missing) - 1} more), so its answers would be random: choose a trained model.")
    return model.eval().requires_grad_(False)


# --- classifiers --------------------------------------------------------------------------------------------------


def _classifier(model: Any, eye: Eye, name: str, origin: dict[str, Any], *, size: int, channels: int) -> Classifier:
    names = model.config.id2label or {}

    def score(x: Tensor) -> Tensor:
        return model(pixel_values=eye(x)).logits.float()

    count = proven(name, score, size=size, channels=channels, device=str(model.device), labels=len(names) or None).shape[1]
    labels = _labels([str(names.get(i, i)) for i in range(count)])
    if getattr(model.config, "problem_type", None) != "multi_label_classification":
        return Classifier(name, {"class": labels}, lambda x: {"class": score(x)}, None, origin)

    def each(x: Tensor) -> dict[str, Tensor]:
        y = score(x)
        return {a: torch.stack([torch.zeros_like(v), v], 1) for a, v in zip(labels, y.unbind(1), strict=True)}  # sigmoid(v) is the softmax of (0, v)

    return Classifier(name, {a: (f"not {a}", a) for a in labels}, each, None, origin)


def _labels(found: list[str]) -> tuple[str, ...]:
    """One name an output; where two are the same, with their number."""
    return tuple(label if found.count(label) == 1 else f"{label} ({i})" for i, label in enumerate(found))


# --- captioners ---------------------------------------------------------------------------------------------------


def _captioner(
    library: Any, folder: Path, config: dict[str, Any], model: Any, eye: Eye, name: str, origin: dict[str, Any], *, size: int, channels: int
) -> Classifier:
    try:
        if not any((folder / file).is_file() for file in VOCABULARIES):
            raise FileNotFoundError  # the library would make an empty one
        tokens = library[0].AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception:  # the library's own
        raise BadInput(f"{name} has no tokenizer that can be read, so nobody can ask it about words: fetch the model with its tokenizer.") from None
    kind = config["model_type"]
    first, last = _ends(kind, model, tokens, name)
    forward = FORWARD[kind]

    def log_p(ids: Tensor, x: Tensor) -> Tensor:
        """ids (T,) from the first sign to the last: log p of all but the first, (batch, T - 1)."""
        ids = ids.to(x.device).expand(len(x), -1)
        given = torch.log_softmax(forward(model, eye(x), ids).float(), -1)
        return given.gather(2, ids[:, 1:, None])[:, :, 0]

    def caption(sentence: str, x: Tensor) -> Tensor:
        return log_p(torch.tensor([first, *_words(sentence, tokens, name), last]), x)

    some = [i for i in range(len(tokens)) if i not in tokens.all_special_ids][:2]
    proven(name, lambda x: log_p(torch.tensor([first, *some, last]), x), size=size, channels=channels, device=str(model.device))
    return Classifier(name, {}, lambda x: {}, caption, origin)


def _ends(kind: str, model: Any, tokens: Any, name: str) -> tuple[int, int]:
    """The tokens that open and close a sentence; raises BadInput where the model does not say."""
    c = model.config
    if kind == "blip":
        first, last = c.text_config.bos_token_id, c.text_config.sep_token_id
        if first is None or first >= c.text_config.vocab_size:
            first = tokens.cls_token_id
    elif kind == "git":
        first, last = _either(tokens.cls_token_id, c.bos_token_id), _either(tokens.sep_token_id, c.eos_token_id)
    else:
        g = model.generation_config
        first = _either(getattr(c, "decoder_start_token_id", None), g.decoder_start_token_id, tokens.cls_token_id, tokens.bos_token_id)
        last = _either(tokens.sep_token_id, tokens.eos_token_id, getattr(c, "eos_token_id", None), g.eos_token_id)
    most = model.get_output_embeddings().weight.shape[0] if model.get_output_embeddings() is not None else len(tokens)
    if first is None or last is None or max(first, last) >= most:
        raise BadInput(f"{name} does not say by which tokens a sentence begins and ends: fetch the model with its whole configuration.")
    return int(first), int(last)


def _either(*values: Any) -> Any:
    return next((v for v in values if v is not None), None)


def _words(sentence: str, tokens: Any, name: str) -> list[int]:
    """A sentence as tokens; raises BadInput for words that the captioner does not know."""
    ids = tokens(sentence, add_special_tokens=False)["input_ids"]
    if not ids:
        raise BadInput(f"{name} needs at least one word to be asked about: give a sentence.")
    if len(ids) > LONGEST:
        raise BadInput(f"{name} is asked about {len(ids)} tokens, and takes at most {LONGEST}: give a shorter sentence.")
    if tokens.unk_token_id in ids:
        unknown = [w for w in sentence.split() if tokens.unk_token_id in tokens(w, add_special_tokens=False)["input_ids"]]
        raise BadInput(f"{name} does not know the word {(unknown or [sentence])[0]!r}: use other words.")
    return ids


def _blip(model: Any, pixels: Tensor, ids: Tensor) -> Tensor:
    return model(pixel_values=pixels, input_ids=ids).logits[:, :-1]


def _git(model: Any, pixels: Tensor, ids: Tensor) -> Tensor:
    logits = model(pixel_values=pixels, input_ids=ids).logits
    return logits[:, logits.shape[1] - ids.shape[1] :][:, :-1]  # places of the picture stand before those of the words


def _encoder_decoder(model: Any, pixels: Tensor, ids: Tensor) -> Tensor:
    return model(pixel_values=pixels, decoder_input_ids=ids[:, :-1]).logits


FORWARD: dict[str, Callable[[Any, Tensor, Tensor], Tensor]] = {"blip": _blip, "git": _git, "vision-encoder-decoder": _encoder_decoder}
