"""What the reference page shows, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from image_service.site.reference.kinds import Field
from image_service.site.reference.samples import Header, Sample


@dataclass(frozen=True)
class Example:
    summary: str
    text: str


@dataclass(frozen=True)
class Parameter(Field):
    place: str = "query"


@dataclass(frozen=True)
class Body:
    media_type: str
    kind: Markup | None
    fields: Sequence[Field]
    examples: Sequence[Example]


@dataclass(frozen=True)
class Answer:
    status: str
    name: str  # of the component that describes it, if there is one
    description: Markup
    bodies: Sequence[Body]
    headers: Sequence[Field]


@dataclass(frozen=True)
class Repeat:
    id: str
    tag: str
    path: str


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: Markup
    repeats: Sequence[Repeat]
    security: Sequence[str]  # alternative schemes; empty: no token
    parameters: Sequence[Parameter]
    bodies: Sequence[Body]
    answers: Sequence[Answer]
    samples: Sequence[Sample]
    header: Header | None  # for the token
    more: Mapping[str, str] | None  # externalDocs


@dataclass(frozen=True)
class Prefix:
    path: str
    description: Markup


@dataclass(frozen=True)
class Group:
    name: str
    description: Markup
    more: Mapping[str, str] | None
    prefixes: Sequence[Prefix]  # empty if there is only one
    operations: Sequence[Operation]


@dataclass(frozen=True)
class Schema:
    name: str
    title: str
    description: Markup
    kind: Markup
    fields: Sequence[Field]
