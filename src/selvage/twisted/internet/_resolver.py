"""`twisted.internet._resolver`: resolvers of both kinds, and what turns one into the other."""

from selvage.reactor import (
    ComplexResolverSimplifier as ComplexResolverSimplifier,
    FirstOneWins as FirstOneWins,
    GAIResolver as GAIResolver,
    HostResolution as HostResolution,
    SimpleResolverComplexifier as SimpleResolverComplexifier,
)
