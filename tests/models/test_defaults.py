"""Models that commands are given by name."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from edgepress.core.errors import UserError
from models.defaults import ZOO_TEACHER, ModelPath, ModelPaths

ONE, SEVERAL = TypeAdapter(ModelPath), TypeAdapter(ModelPaths)


def test_a_shipped_model_is_named_wherever_a_command_takes_a_model():
    assert ONE.validate_python("zoo:elpv_teacher") == ZOO_TEACHER
    assert SEVERAL.validate_python(["zoo:elpv_teacher", "runs/a"]) == (ZOO_TEACHER, Path("runs/a"))
    assert SEVERAL.validate_python("zoo:elpv_teacher") == (ZOO_TEACHER,)


def test_other_paths_stay_as_they_are():
    assert ONE.validate_python("runs/zoo:elpv_teacher") == Path("runs/zoo:elpv_teacher")


def test_an_unknown_shipped_model_is_refused_with_the_nearest_name():
    with pytest.raises(UserError, match="did you mean 'elpv_teacher'"):
        ONE.validate_python("zoo:elpv_techer")
