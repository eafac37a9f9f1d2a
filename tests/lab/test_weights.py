"""Pretrained weights: read safely, checked, put in place; and the public files' names."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage import data
from tests.lab.parts import a_recipe, seeded
from torch import Tensor
from torch.nn import functional

from twinlens.errors import ChecksumError, ModelError, ModelNotFoundError
from twinlens.lab.networks import Trunk, build_trunk, outline_trunk
from twinlens.lab.networks.efficientnet_lite0 import renamed
from twinlens.lab.networks.vgg16_bn import PUBLISHED as VGG
from twinlens.lab.recipe import Part
from twinlens.lab.siamese import build_siamese, unfilled_siamese
from twinlens.lab.weights import Published, published_weights, read_weights
from twinlens.zoo.cabinet import user_folder

NOWHERE = "http://127.0.0.1:9/weights.pth"  # the port of "discard": nobody listens

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def mobilenet(weights: str = "", *, channels: int = 3, **options: object) -> Trunk:
    part = Part("mobilenet-v2", {"weights": weights, **options})
    return build_trunk(part, channels=channels, size=32, generator=seeded()).eval()


def saved(folder: Path, seed: int = 7) -> Path:
    trunk = build_trunk(Part("mobilenet-v2"), channels=3, size=32, generator=seeded(seed))
    save_file(trunk.state_dict(), folder / "weights.safetensors")
    torch.save(trunk.state_dict(), folder / "weights.pth")
    return folder / "weights.safetensors"


def same(trunk: Trunk, state: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, state[name]) for name, value in trunk.state_dict().items() if name in state)


def test_a_file_is_loaded_in_both_formats_and_a_new_layer_is_drawn(tmp_path: Path) -> None:
    path = saved(tmp_path)
    state = read_weights(path)
    assert same(mobilenet(str(path)), state)
    assert same(mobilenet(str(path.with_suffix(".pth"))), state)
    tuned = mobilenet(str(path), dim=8)
    assert same(tuned, state)
    assert bool(tuned.get_parameter("dense.weight").any())
    assert not same(mobilenet(), state)


def test_a_grey_picture_is_seen_as_the_same_in_three_channels(tmp_path: Path) -> None:
    path = str(saved(tmp_path))
    pictures = torch.rand(2, 1, 32, 32, generator=seeded(1))
    grey, colour = mobilenet(path, channels=1), mobilenet(path)
    stems = [trunk.get_submodule("features.0.0") for trunk in (grey, colour)]
    seen, wanted = stems[0](pictures), stems[1](pictures.expand(-1, 3, -1, -1))
    assert float(wanted.detach().std()) > 0.01
    assert seen.allclose(wanted, atol=1e-5)


def test_a_trained_network_is_loaded_without_the_file_it_began_with(tmp_path: Path) -> None:
    recipe = a_recipe({"name": "mobilenet-v2", "weights": str(saved(tmp_path))}, size=32, colour="rgb")
    trained = build_siamese(recipe, generator=seeded()).eval()
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(ModelNotFoundError, match="no weights at"):
        build_siamese(recipe, generator=seeded())
    again = unfilled_siamese(recipe).eval()
    again.load_state_dict(trained.state_dict())
    pictures = torch.rand(2, 3, 32, 32, generator=seeded(1))
    assert torch.equal(again(pictures, pictures.flip(0)), trained(pictures, pictures.flip(0)))


def test_frozen_parts_keep_weights_and_statistics() -> None:
    trunk = mobilenet(frozen=3).train()
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    loss: Tensor = trunk(torch.rand(4, 3, 32, 32, generator=seeded(1))).sum()
    torch.autograd.backward(loss)
    for name, value in trunk.named_parameters():
        assert (value.grad is None) == name.startswith(("features.0.", "features.1.", "features.2."))
    after = trunk.state_dict()
    assert torch.equal(after["features.1.conv.0.1.running_mean"], before["features.1.conv.0.1.running_mean"])
    assert not torch.equal(after["features.4.conv.0.1.running_mean"], before["features.4.conv.0.1.running_mean"])


class Trap:
    """Would write a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_files_that_are_no_weights_are_said_and_not_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = tmp_path / "trap.pth"
    trap.write_bytes(pickle.dumps(Trap(sprung)))
    torch.save({"state": Trap(sprung)}, tmp_path / "trap2.pth")
    (tmp_path / "empty.pth").write_bytes(b"")
    (tmp_path / "noise.safetensors").write_bytes(b"\xff" * 40)
    torch.save([1, 2], tmp_path / "list.pth")
    whole = saved(tmp_path).read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    for name in ("trap.pth", "trap2.pth", "empty.pth", "noise.safetensors", "cut.safetensors"):
        with pytest.raises(ModelError, match=f"{name} holds no weights that can be read safely"):
            mobilenet(str(tmp_path / name))
    with pytest.raises(ModelError, match="no state dict of tensors"):
        mobilenet(str(tmp_path / "list.pth"))
    assert not sprung.exists()


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    state = read_weights(path)
    del state["features.5.conv.2.weight"]
    save_file(state, tmp_path / "less.safetensors")
    with pytest.raises(ModelError, match=r"lacks features\.5\.conv\.2\.weight: these are weights of another network"):
        mobilenet(str(tmp_path / "less.safetensors"))
    with pytest.raises(ModelError, match=r"is \(144, 1, 3, 3\), wanted \(144, 1, 5, 5\): these are weights of another"):
        build_trunk(Part("efficientnet-lite0", {"weights": str(path)}), channels=3, size=32, generator=seeded())


def test_missing_files_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path))
    with pytest.raises(ModelNotFoundError, match=r"no weights at mine\.pth, nor in .*models: give a \.safetensors"):
        mobilenet("mine.pth")
    with pytest.raises(ModelNotFoundError, match=r"efficientnet-lite0-.* is not in .*: run: python scripts/convert_tr"):
        build_trunk(Part("efficientnet-lite0", {"weights": "imagenet"}), channels=3, size=32, generator=seeded())
    offline = Published(VGG.files, (NOWHERE,), VGG.how)
    with pytest.raises(ModelNotFoundError, match=r"cannot be fetched .* copy vgg16_bn-6c64b313\.pth .* by hand"):
        published_weights(offline)
    (tmp_path / "models" / "vgg16_bn-6c64b313.pth").write_bytes(b"something else")
    with pytest.raises(ChecksumError, match=r"is not the published file: sha256 .*, wanted 6c64b313"):
        published_weights(offline)


def test_names_are_those_of_the_public_files() -> None:
    vgg = outline_trunk(Part("vgg16-bn", {"dense": "first"}), channels=3, size=224).state_dict()
    convolutions = [0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40]
    wanted = {f"features.{at}.{what}" for at in convolutions for what in ("weight", "bias")}
    norms = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    wanted |= {f"features.{at + 1}.{what}" for at in convolutions for what in norms}
    assert set(vgg) == wanted | {"classifier.0.weight", "classifier.0.bias"}
    assert vgg["classifier.0.weight"].shape == (4096, 25_088)
    ours = set(outline_trunk(Part("efficientnet-lite0"), channels=3, size=224).state_dict())
    theirs = {"_conv_stem.weight", "_bn0.bias", "_blocks.0._depthwise_conv.weight", "_blocks.0._bn2.running_var"}
    theirs |= {"_blocks.15._expand_conv.weight", "_blocks.3._bn0.bias", "_conv_head.weight", "_bn1.running_mean"}
    assert {renamed(name) for name in theirs} <= ours
    assert renamed("features.3.conv.2.weight") == "features.3.conv.2.weight"
    assert renamed("_fc.weight") == "_fc.weight"


@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [("mobilenet-v2", IMAGENET_MEAN, IMAGENET_DEVIATION), ("efficientnet-lite0", 0.5, 0.5)],
)
def test_published_weights_see(name: str, mean: Any, deviation: Any) -> None:
    """Whether the classifier says cat is checked by scripts/convert_trunks.py, where the classifier is at hand."""
    if not (user_folder() / f"{name}-imagenet.safetensors").is_file():
        pytest.skip("run: python scripts/convert_trunks.py")
    trunk = build_trunk(Part(name, {"weights": "imagenet"}), channels=3, size=128, generator=seeded()).eval()
    photos = [data.chelsea(), data.chelsea()[:, ::-1], data.coffee(), data.rocket()]
    pictures = np.stack([cv2.resize(photo[:300, 60:360], (128, 128), interpolation=cv2.INTER_AREA) for photo in photos])
    scaled = (pictures / np.float32(255) - np.float32(mean)) / np.float32(deviation)
    with torch.no_grad():
        seen = functional.normalize(trunk(torch.from_numpy(scaled.astype(np.float32)).permute(0, 3, 1, 2)))
    cat, mirrored, coffee, rocket = seen
    assert float(cat @ mirrored) > 0.85
    assert max(float(cat @ coffee), float(cat @ rocket), float(coffee @ rocket)) < 0.5
