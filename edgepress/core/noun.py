"""The base of every noun: frozen, and strict about unknown fields."""

from pydantic import BaseModel, ConfigDict


class Noun(BaseModel):
    """A frozen record; unknown fields are refused, and `model_json_schema()` describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
