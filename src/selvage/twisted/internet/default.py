"""`twisted.internet.default`: the reactor that a program gets which asks for none."""

from selvage.reactor._install import (
    install as install,
    install_function_for as _getInstallFunction,  # noqa: F401
)
