"""The OpenAPI document as the reference page shows it: groups of operations, each shown once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from image_service.site.reference.kinds import Field, example_of, fields_of, kind_of, name_of, title_of
from image_service.site.reference.model import Answer, Body, Example, Group, Operation, Parameter, Repeat, Schema
from image_service.site.reference.prose import line, prose
from image_service.site.reference.repeats import Listed, group_of, operations_of, prefixes_of, repeats_of
from image_service.site.reference.samples import Call, Header, samples_of

ROOM = 300  # characters of JSON in a sample


class Reading:
    """Reads one document. `server` is the URL that samples call."""

    def __init__(self, document: Mapping[str, Any], server: str) -> None:
        self._document = document
        self._server = server.rstrip("/")
        self._components = document.get("components", {})
        self._listed = operations_of(document)

    def groups(self) -> Iterator[Group]:
        tags = {tag["name"]: tag for tag in self._document.get("tags", ())}
        for each in self._listed:  # tags that the document does not list
            tags.setdefault(each.tag, {"name": each.tag})
        repeats = repeats_of(self._listed, tags)
        again = {repeat.id for found in repeats.values() for repeat in found}
        for name, tag in tags.items():
            own = [each for each in self._listed if group_of(each, tags) == name and each.id not in again]
            if own:
                yield Group(
                    name=name,
                    description=prose(tag.get("description", "")),
                    more=tag.get("externalDocs"),
                    prefixes=prefixes_of(own, repeats, tags),
                    operations=[self._operation(each, repeats.get(each.id, ())) for each in own],
                )

    def _operation(self, listed: Listed, repeats: Sequence[Repeat]) -> Operation:
        described = listed.described
        parameters = [self._parameter(self._resolved(each)) for each in described.get("parameters", ())]
        content = self._resolved(described.get("requestBody", {})).get("content", {})
        bodies = [self._body(media_type, each) for media_type, each in content.items()]
        security = described.get("security", self._document.get("security", []))
        names = [name for way in security for name in way]
        header = self._header(names)
        answers = [self._answer(status, each) for status, each in described["responses"].items()]
        call = Call(
            method=listed.method,
            url=self._server + _filled(listed.path, parameters),
            header=header,
            form=self._form(listed.method, content),
            json=_short(content.get("application/json", {})),
            is_binary=_is_binary(described["responses"]),
        )
        return Operation(
            id=listed.id,
            method=listed.method,
            path=listed.path,
            summary=described.get("summary", listed.id),
            description=prose(described.get("description", "")),
            repeats=repeats,
            security=names,
            parameters=parameters,
            bodies=bodies,
            answers=answers,
            samples=samples_of(call),
            header=header,
            more=described.get("externalDocs"),
        )

    def _resolved(self, place: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in place:
            _, _, kind, name = place["$ref"].split("/")
            place = self._components[kind][name]
        return place

    def _parameter(self, parameter: Mapping[str, Any]) -> Parameter:
        schema = parameter.get("schema", {})
        default = f" Default: `{json.dumps(schema['default'])}`." if schema.get("default") is not None else ""
        return Parameter(
            name=parameter["name"],
            kind=kind_of(schema),
            description=prose(parameter.get("description", "") + default),
            is_required=parameter.get("required", False),
            example=example_of(parameter) or example_of(schema),
            place=parameter["in"],
        )

    def _body(self, media_type: str, content: Mapping[str, Any], *, with_fields: bool = True) -> Body:
        schema = content.get("schema", {})
        examples = {"": {"value": content["example"]}} if "example" in content else content.get("examples", {})
        return Body(
            media_type=media_type,
            kind=kind_of(schema) if schema else None,
            fields=tuple(fields_of(self._resolved(schema))) if with_fields else (),
            examples=[Example(each.get("summary", name), _printed(each["value"])) for name, each in examples.items()],
        )

    def _answer(self, status: str, answer: Mapping[str, Any]) -> Answer:
        described = self._resolved(answer)
        contents = described.get("content", {}).items()
        return Answer(
            status=status,
            name=name_of(answer["$ref"]) if "$ref" in answer else "",
            description=line(described.get("description", "")),
            bodies=[self._body(media_type, each, with_fields=False) for media_type, each in contents],
            headers=[self._field(name, each) for name, each in described.get("headers", {}).items()],
        )

    def _field(self, name: str, header: Mapping[str, Any]) -> Field:
        described = self._resolved(header)
        return Field(name, kind_of(described.get("schema", {})), line(described.get("description", "")), False)

    def shared_answers(self) -> Iterator[Answer]:
        """By name, without a status, which differs by route."""
        for name in self._components.get("responses", {}):
            yield self._answer("", {"$ref": f"#/components/responses/{name}"})

    def headers(self) -> Sequence[Field]:
        """The headers of responses, each name once, as first described."""
        found: dict[str, Field] = {}
        for operation in self._listed:
            for each in operation.described["responses"].values():
                for name, header in self._resolved(each).get("headers", {}).items():
                    found.setdefault(name, self._field(name, header))
        return sorted(found.values(), key=lambda field: field.name.lower())

    def schemas(self) -> Iterator[Schema]:
        for name, each in sorted(self._components.get("schemas", {}).items()):
            yield Schema(
                name, title_of(name), prose(each.get("description", "")), kind_of(each), tuple(fields_of(each))
            )

    def schemes(self) -> Mapping[str, Markup]:
        return {
            name: line(each.get("description", ""))
            for name, each in self._components.get("securitySchemes", {}).items()
        }

    def _header(self, names: Sequence[str]) -> Header | None:
        """The header of the first scheme with a token alone, which a sample shows better than HTTP Basic."""
        schemes = [self._components["securitySchemes"][name] for name in names]
        for each in schemes:
            if each["type"] == "apiKey" and each["in"] == "header":
                return Header(each["name"], "")
            if each.get("scheme") == "bearer":
                return Header("Authorization", "Bearer ")
        return None

    def _form(self, method: str, content: Mapping[str, Any]) -> Sequence[Field]:
        """A form's file and required fields. Empty if there is none, or for updates that accept JSON."""
        form = content.get("multipart/form-data")
        if form is None or ("application/json" in content and method != "POST"):
            return ()
        fields = list(fields_of(self._resolved(form["schema"])))
        return [each for each in fields if each.is_file or each.is_required]


def _filled(path: str, parameters: Sequence[Parameter]) -> str:
    """The path with example values for required parameters."""
    for each in parameters:
        if each.place == "path":
            path = path.replace(f"{{{each.name}}}", each.example or "1")
    query = "&".join(
        f"{each.name}={each.example or '1'}" for each in parameters if each.place == "query" and each.is_required
    )
    return f"{path}?{query}" if query else path


def _printed(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _short(content: Mapping[str, Any]) -> Any:
    """The first short example, preferably one without a URL, which works on any machine."""
    values = [each["value"] for each in content.get("examples", {}).values()] or [content.get("example")]
    short = [value for value in values if len(json.dumps(value)) < ROOM]
    return next((value for value in short if "://" not in json.dumps(value)), (short or values)[0])


def _is_binary(responses: Mapping[str, Any]) -> bool:
    return any(kind.startswith("image/") for kind in responses.get("200", {}).get("content", {}))
