"""`twisted.protocols.finger`: a finger server."""

from selvage.protocols.finger import Finger as Finger
