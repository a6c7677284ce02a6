"""`twisted.protocols.stateful`: a protocol whose states say how many bytes they want."""

from selvage.protocols.stateful import StatefulProtocol as StatefulProtocol
