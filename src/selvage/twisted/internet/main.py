"""`twisted.internet.main`: how connections end, and which reactor is installed."""

from selvage.reactor._fdset import CONNECTION_DONE as CONNECTION_DONE, CONNECTION_LOST as CONNECTION_LOST
from selvage.reactor._install import installReactor as installReactor
