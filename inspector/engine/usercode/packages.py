"""How to get a module that is not there: the command, with the name that the package index has it under."""

from __future__ import annotations

import shlex
import sys

from ...text import encodable

_ON_THE_INDEX = {
    "PIL": "pillow", "cv2": "opencv-python", "sklearn": "scikit-learn", "skimage": "scikit-image", "yaml": "pyyaml",
    "bs4": "beautifulsoup4", "Bio": "biopython", "pytorch_lightning": "pytorch-lightning", "lightning": "lightning",
    "torch_geometric": "torch-geometric", "torch_scatter": "torch-scatter", "torch_sparse": "torch-sparse",
    "flash_attn": "flash-attn", "mmcv": "mmcv", "omegaconf": "omegaconf", "hydra": "hydra-core",
    "dotenv": "python-dotenv",
    "dateutil": "python-dateutil", "attr": "attrs", "serial": "pyserial", "faiss": "faiss-cpu",
    "clip": "open-clip-torch",
    "open_clip": "open-clip-torch", "segment_anything": "segment-anything", "mpl_toolkits": "matplotlib",
    "google.protobuf": "protobuf", "Crypto": "pycryptodome", "git": "gitpython", "fitz": "pymupdf", "wx": "wxpython",
    "OpenGL": "pyopengl", "rdkit": "rdkit", "pkg_resources": "setuptools", "usb": "pyusb", "zmq": "pyzmq",
    "tensorboardX": "tensorboardx", "sentence_transformers": "sentence-transformers", "mamba_ssm": "mamba-ssm",
}  # fmt: skip
"""Import names that are not the names to install."""


def how_to_install(error: ModuleNotFoundError) -> str:
    """The command; "" where the module is one that no index has: a part of a package that is there."""
    name = error.name or ""
    first = name.partition(".")[0]
    if not first or first in sys.modules or first in sys.stdlib_module_names:
        return ""
    package = _ON_THE_INDEX.get(name) or _ON_THE_INDEX.get(first) or first.replace("_", "-")
    command = f"{shlex.quote(sys.executable)} -m pip install {shlex.quote(package)}"
    return encodable(f"{command}  (the Python that runs this; a file of yours: set PYTHONPATH)", 400)
