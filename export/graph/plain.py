"""What quantization tools leave behind is removed, so that old runtimes can read the file."""

from pathlib import Path

import onnx

from models.onnx_graph.index import drop_unused_initializers, graphs


def save_plain(model: onnx.ModelProto, source: Path, out: Path) -> None:
    """Drop what only the tools needed and write one plain file, like the one it was made from."""
    drop_unused_initializers(model)
    del model.graph.value_info[:]
    del model.metadata_props[:]
    _drop_unused_domains(model)
    model.ir_version = onnx.load(source, load_external_data=False).ir_version
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, out)


def _drop_unused_domains(model: onnx.ModelProto) -> None:
    """Remove operator sets that ONNX Runtime's optimiser names but no node uses."""
    used = {node.domain for graph in graphs(model.graph) for node in graph.node} | {""}
    kept = {entry.domain: entry for entry in model.opset_import if entry.domain in used}
    copies = [onnx.helper.make_opsetid(domain, entry.version) for domain, entry in kept.items()]
    del model.opset_import[:]
    model.opset_import.extend(copies)
