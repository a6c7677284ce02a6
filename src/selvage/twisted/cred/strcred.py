"""`twisted.cred.strcred`: checkers by their description in one line."""

from selvage.auth import (
    AuthOptionMixin as AuthOptionMixin,
    ICheckerFactory as ICheckerFactory,
    InvalidAuthArgumentString as InvalidAuthArgumentString,
    InvalidAuthType as InvalidAuthType,
    StrcredException as StrcredException,
    UnsupportedInterfaces as UnsupportedInterfaces,
    findCheckerFactories as findCheckerFactories,
    findCheckerFactory as findCheckerFactory,
    makeChecker as makeChecker,
    notSupportedWarning as notSupportedWarning,
)
