"""Files with nothing to run as integers."""

import shutil
from pathlib import Path

import onnx
import pytest
from int8_parts import opened

from edgepress.core.errors import UserError
from export.making.int8 import quantize
from export.making.int8.setting import Setting


def test_a_file_without_integers_is_refused_by_what_the_float_one_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NNCF may leave it, which quantizes for OpenVINO."""
    shop = opened("plain", tmp_path, "openvino")
    monkeypatch.setattr(
        quantize.nncf_, "quantize", lambda prepared, out, *_: shutil.copy(prepared, out)
    )
    kinds = sorted({node.op_type for node in onnx.load(shop.prepared).graph.node})
    with pytest.raises(UserError, match="no operator that this target runs as integers") as told:
        quantize.quantize(shop, Setting(kept_float={}), tmp_path / "int8.onnx")
    assert ", ".join(kinds) in str(told.value)
