"""A frozen, slotted, keyword-only `dataclass` that costs microseconds to import.

Importing the standard library's `dataclasses` takes longer than building a catalogue of 600
records, and so does generating the methods of seven wide classes. This decorator gives records
the same behaviour from one set of shared methods. Type checkers see the standard decorator.
`dataclasses.fields`, `asdict`, `replace` and `is_dataclass` work, because the fields are created
on first use. See docs/decisions/0002-records-without-dataclasses.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from dataclasses import Field

ClassT = TypeVar("ClassT", bound=type)

_REQUIRED: Any = object()


class _Fields:
    """Creates a class's `dataclasses.Field` objects on first use."""

    def __get__(self, instance: object, owner: Any) -> dict[str, Field[Any]]:
        import dataclasses

        template: Any = dataclasses.make_dataclass(
            owner.__name__,
            [
                (name, owner.__field_types__[name])
                if default is _REQUIRED
                else (name, owner.__field_types__[name], dataclasses.field(default=default))
                for name, default in owner.__defaults__.items()
            ],
            kw_only=True,
        )
        fields: dict[str, Field[Any]] = template.__dataclass_fields__
        owner.__dataclass_fields__ = fields
        return fields


def _init(self: Any, /, **values: Any) -> None:
    merged = self.__defaults__ | values
    if len(merged) != len(self.__setters__):
        unknown = [name for name in values if name not in self.__defaults__]
        raise TypeError(f"{type(self).__name__} has no field {', '.join(map(repr, unknown))}")
    for put, value in zip(self.__setters__, merged.values(), strict=True):
        put(self, value)
    for name in self.__required__:
        if name not in values:
            raise TypeError(f"{type(self).__name__} needs a value for {name!r}")


def _state(self: Any) -> dict[str, Any]:
    return {name: getattr(self, name) for name in self.__field_types__}


def _eq(self: Any, other: Any) -> Any:
    if self.__class__ is not other.__class__:
        return NotImplemented
    return self is other or _state(self) == _state(other)


def _hash(self: Any) -> int:
    return hash(tuple(_state(self).values()))


def _repr(self: Any) -> str:
    values = ", ".join(f"{name}={value!r}" for name, value in _state(self).items())
    return f"{type(self).__qualname__}({values})"


def _frozen(self: Any, name: str, *_: object) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(
        f"cannot change {name!r}: {type(self).__name__} is frozen; "
        "dataclasses.replace() makes a changed copy"
    )


def _reduce(self: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    return _rebuild, (type(self), _state(self))


def _rebuild(cls: Callable[..., Any], state: dict[str, Any]) -> Any:
    return cls(**state)


def _replace(self: Any, /, **changes: Any) -> Any:
    return type(self)(**{**_state(self), **changes})


_METHODS = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _frozen,
    "__delattr__": _frozen,
    "__reduce__": _reduce,
    "__replace__": _replace,
    "__dataclass_fields__": _Fields(),
}


def dataclass(**_options: bool) -> Callable[[ClassT], ClassT]:
    """Make a frozen, slotted, keyword-only dataclass.

    The options are for type checkers, which see `dataclasses.dataclass` instead. At run time, a
    class is always frozen, slotted and keyword-only, and keeps its own methods.
    """

    def make(cls: Any) -> Any:
        own = dict(cls.__dict__)
        annotations: dict[str, str] = own.get("__annotations__", {})
        types: dict[str, Any] = {**getattr(cls, "__field_types__", {}), **annotations}
        defaults: dict[str, Any] = dict(getattr(cls, "__defaults__", {}))
        for name in annotations:
            defaults[name] = own.pop(name, _REQUIRED)
        own.pop("__dict__", None)
        own.pop("__weakref__", None)
        own["__slots__"] = tuple(name for name in annotations if not hasattr(cls.__base__, name))
        inherited = hasattr(cls, "__setters__")
        for name, method in _METHODS.items():
            if name == "__dataclass_fields__" or not inherited:
                own.setdefault(name, method)
        own["__field_types__"] = types
        own["__match_args__"] = ()
        made = type(cls)(cls.__name__, cls.__bases__, own)
        made.__defaults__ = {name: defaults[name] for name in types}
        made.__setters__ = tuple(getattr(made, name).__set__ for name in types)
        made.__required__ = tuple(name for name in types if defaults[name] is _REQUIRED)
        return made

    return make
