"""Runs in the environment of LiteRT's converter, with a saved program and the file to write."""

import sys

import litert_torch
import torch


def convert(saved: str, out: str) -> None:
    """Write a LiteRT file of a saved `torch.export` program."""
    program = torch.export.load(saved)
    litert_torch.convert(program.module(), program.example_inputs[0]).export(out)


if __name__ == "__main__":
    convert(*sys.argv[1:])
