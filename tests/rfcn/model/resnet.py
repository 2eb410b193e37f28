"""A ResNet written out with torchvision's names, and state dicts for it."""

import torch
from torch.nn import functional

BLOCKS = {"rfcn-resnet50": (3, 4, 6, 3), "rfcn-resnet101": (3, 4, 23, 3), "rfcn-tiny": (1, 1, 1, 1)}
INNER = {
    "rfcn-resnet50": (64, 128, 256, 512),
    "rfcn-resnet101": (64, 128, 256, 512),
    "rfcn-tiny": (24, 32, 32, 32),
}
STEM = {"rfcn-resnet50": (64, 7), "rfcn-resnet101": (64, 7), "rfcn-tiny": (32, 5)}
STRIDES = {"rfcn-resnet50": (1, 2, 2, 1), "rfcn-resnet101": (1, 2, 2, 1), "rfcn-tiny": (1, 1, 1, 1)}
DILATIONS = 1, 1, 1, 2


def random_state(net, seed=0, *, classifier=True):
    """A state dict as torchvision saves it, with batch-norms that are not trivial."""
    generator = torch.Generator().manual_seed(seed)
    state = {}

    def layer(name, norm, cout, cin, kernel):
        scale = (2 / (cin * kernel**2)) ** 0.5
        state[f"{name}.weight"] = (
            torch.randn(cout, cin, kernel, kernel, generator=generator) * scale
        )
        state[f"{norm}.weight"] = torch.rand(cout, generator=generator) + 0.1
        state[f"{norm}.bias"] = torch.randn(cout, generator=generator) * 0.2
        state[f"{norm}.running_mean"] = torch.randn(cout, generator=generator) * 0.2
        state[f"{norm}.running_var"] = torch.rand(cout, generator=generator) + 0.5
        state[f"{norm}.num_batches_tracked"] = torch.tensor(7)

    cin, kernel = STEM[net]
    layer("conv1", "bn1", cin, 3, kernel)
    for number, (count, inner) in enumerate(zip(BLOCKS[net], INNER[net], strict=True), 1):
        for index in range(count):
            prefix = f"layer{number}.{index}."
            if cin != 4 * inner:
                layer(prefix + "downsample.0", prefix + "downsample.1", 4 * inner, cin, 1)
            layer(prefix + "conv1", prefix + "bn1", inner, cin, 1)
            layer(prefix + "conv2", prefix + "bn2", inner, inner, 3)
            layer(prefix + "conv3", prefix + "bn3", 4 * inner, inner, 1)
            cin = 4 * inner
    if classifier:
        state |= {"fc.weight": torch.zeros(1000, cin), "fc.bias": torch.zeros(1000)}
    return state


def forward(net, state, images):
    """The outputs of the stem's max-pool and of the four stages."""

    def norm(name, x):
        mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        scale = state[f"{name}.weight"] / torch.sqrt(var + 1e-5)
        offset = state[f"{name}.bias"] - mean * scale
        return x * scale[:, None, None] + offset[:, None, None]

    def convolve(name, x, **setting):
        return functional.conv2d(x, state[f"{name}.weight"], **setting)

    _, kernel = STEM[net]
    x = norm("bn1", convolve("conv1", images, stride=2, padding=kernel // 2)).relu()
    # The windows that hang over the far edge, as in Caffe.
    x = functional.max_pool2d(
        functional.pad(x, (0, 2, 0, 2), value=float("-inf")), kernel_size=3, stride=2
    )[:, :, : -(-(x.shape[2] - 3) // 2) + 1, : -(-(x.shape[3] - 3) // 2) + 1]
    outputs = [x]
    for number, count in enumerate(BLOCKS[net], 1):
        for index in range(count):
            prefix = f"layer{number}.{index}."
            stride = 1 if index else STRIDES[net][number - 1]
            dilation = DILATIONS[number - 1]
            residual = x
            if f"{prefix}downsample.0.weight" in state:
                residual = convolve(f"{prefix}downsample.0", x, stride=stride)
                residual = norm(f"{prefix}downsample.1", residual)
            x = norm(f"{prefix}bn1", convolve(f"{prefix}conv1", x, stride=stride)).relu()
            x = convolve(f"{prefix}conv2", x, padding=dilation, dilation=dilation)
            x = norm(f"{prefix}bn2", x).relu()
            x = (norm(f"{prefix}bn3", convolve(f"{prefix}conv3", x)) + residual).relu()
        outputs.append(x)
    return outputs


def caffe_name(net, name):
    """Caffe's name of a torchvision layer, without `res`: `2a_branch2a`, or `_conv1`."""
    if name in ("conv1", "bn1"):
        return "_conv1"
    layer, index, *rest = name.split(".")
    number = int(layer.removeprefix("layer"))
    if net == "rfcn-resnet101" and number in (2, 3) and int(index):
        block = f"b{index}"
    else:
        block = "abcdef"[int(index)]
    branch = "1" if rest[0] == "downsample" else f"2{'abc'[int(rest[0][-1]) - 1]}"
    return f"{number + 1}{block}_branch{branch}"


def caffe_state(net, state, *, factor=None):
    """The same as blobs of Caffe, numbered; means and variances times `factor` if given."""
    blobs = {}
    numbers = {"running_mean": "bn{}.0", "running_var": "bn{}.1", "weight": "scale{}.0"}
    numbers["bias"] = "scale{}.1"
    for key, value in state.items():
        name, field = key.rsplit(".", 1)
        if name == "fc":
            blobs["fc1000.0" if field == "weight" else "fc1000.1"] = value.numpy()
            continue
        rest = caffe_name(net, name)
        if value.ndim == 4:
            blobs["conv1.0" if rest == "_conv1" else f"res{rest}.0"] = value.numpy()
        elif field in numbers:
            scale = factor if factor and field.startswith("running") else 1
            blobs[numbers[field].format(rest)] = value.numpy() * scale
            if factor and field == "running_mean":
                blobs[f"bn{rest}.2"] = torch.tensor([factor], dtype=torch.float32).numpy()
    if net == "rfcn-resnet50":
        blobs["conv1.1"] = torch.zeros(64).numpy()
    return blobs
