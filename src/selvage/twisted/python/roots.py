"""`twisted.python.roots`: collections of named things that a program can be configured with."""

from selvage.web._roots import (
    Collection as Collection,
    Constrained as Constrained,
    ConstraintViolation as ConstraintViolation,
    Entity as Entity,
    Homogenous as Homogenous,
    Locked as Locked,
    NotSupportedError as NotSupportedError,
    Request as Request,
)
