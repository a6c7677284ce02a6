"""Serial ports as connections, over pyserial.  Floor 2; POSIX; needs the extra `serial`.

Twisted: `twisted.internet.serialport`.
"""

from __future__ import annotations

from typing import Any

try:
    import serial
except ImportError as error:
    raise ImportError("serial ports need pyserial: pip install 'selvage[serial]'") from error

from selvage.failure import Failure

from ._descriptor import FileDescriptor
from ._fdesc import readFromFD, writeToFD

__all__ = [
    "EIGHTBITS",
    "FIVEBITS",
    "PARITY_EVEN",
    "PARITY_NONE",
    "PARITY_ODD",
    "SEVENBITS",
    "SIXBITS",
    "STOPBITS_ONE",
    "STOPBITS_TWO",
    "BaseSerialPort",
    "SerialPort",
]

FIVEBITS: int = serial.FIVEBITS
SIXBITS: int = serial.SIXBITS
SEVENBITS: int = serial.SEVENBITS
EIGHTBITS: int = serial.EIGHTBITS
PARITY_NONE: str = serial.PARITY_NONE
PARITY_EVEN: str = serial.PARITY_EVEN
PARITY_ODD: str = serial.PARITY_ODD
STOPBITS_ONE: int = serial.STOPBITS_ONE
STOPBITS_TWO: int = serial.STOPBITS_TWO

#: Seconds that a break lasts; devices notice one of a quarter of a second at any speed.
_BREAK = 0.25


class BaseSerialPort:
    """What can be asked of the device and set on it, whatever the system.

    Twisted: `twisted.internet.serialport.BaseSerialPort`; there, `sendBreak` holds up the reactor for as long as it lasts.
    """

    _serialFactory = serial.Serial

    reactor: Any
    # pyserial's port.
    _serial: Any

    def setBaudRate(self, baudrate: int) -> None:
        """Set the speed, in bits per second."""
        self._serial.baudrate = baudrate

    def inWaiting(self) -> Any:
        """Return how many bytes have come and have not been read."""
        return self._serial.in_waiting

    def flushInput(self) -> None:
        """Drop what has come and has not been read."""
        self._serial.reset_input_buffer()

    def flushOutput(self) -> None:
        """Drop what the system has taken and the device has not sent yet."""
        self._serial.reset_output_buffer()

    def sendBreak(self) -> None:
        """Hold the line for a quarter of a second; returns at once."""
        self._serial.break_condition = True
        self.reactor.callLater(_BREAK, self._end_break)

    def _end_break(self) -> None:
        if self._serial.is_open:
            self._serial.break_condition = False

    def getDSR(self) -> Any:
        """Tell whether the other side is there (data set ready)."""
        return self._serial.dsr

    def getCD(self) -> Any:
        """Tell whether there is a carrier."""
        return self._serial.cd

    def getRI(self) -> Any:
        """Tell whether it rings."""
        return self._serial.ri

    def getCTS(self) -> Any:
        """Tell whether the other side lets us send."""
        return self._serial.cts

    def setDTR(self, on: int | bool = 1) -> None:
        """Say that we are there (data terminal ready)."""
        self._serial.dtr = bool(on)

    def setRTS(self, on: int | bool = 1) -> None:
        """Let the other side send."""
        self._serial.rts = bool(on)


class SerialPort(BaseSerialPort, FileDescriptor):
    """A serial port and its protocol, connected from the beginning until one of them ends it.

    Args:
        protocol: hears `connectionMade` before this returns.
        deviceNameOrPortNumber: as "/dev/ttyUSB0".
        reactor: None for the ambient one.
        baudrate, bytesize, parity, stopbits, xonxoff, rtscts: how it talks; `timeout` has no effect.

    Raises:
        serial.SerialException: there is no such device, or it is in use; ValueError: it cannot talk like that.

    A device that is unplugged ends it with `ConnectionLost`.
    Twisted: `twisted.internet.serialport.SerialPort`.
    """

    connected = 1

    def __init__(
        self,
        protocol: Any,
        deviceNameOrPortNumber: str | int,
        reactor: Any,
        baudrate: int = 9600,
        bytesize: int = EIGHTBITS,
        parity: str = PARITY_NONE,
        stopbits: int = STOPBITS_ONE,
        timeout: float = 0,
        xonxoff: int | bool = 0,
        rtscts: int | bool = 0,
    ) -> None:
        FileDescriptor.__init__(self, reactor)
        self._serial = self._serialFactory(
            deviceNameOrPortNumber,
            baudrate=baudrate,
            bytesize=bytesize,
            parity=parity,
            stopbits=stopbits,
            timeout=timeout,
            xonxoff=xonxoff,
            rtscts=rtscts,
        )
        # What came before anybody listened belongs to another conversation.
        self.flushInput()
        self.flushOutput()
        self.protocol = protocol
        self.protocol.makeConnection(self)
        self.startReading()

    def __repr__(self) -> str:
        state = "open" if self.connected else "closed"
        return f"<{type(self).__name__} {self._serial.name} {state}>"

    def fileno(self) -> int:
        """Return the number of the descriptor, -1 when it is closed."""
        number: int = self._serial.fileno() if self._serial.is_open else -1
        return number

    def writeSomeData(self, data: bytes) -> int | BaseException:
        """Write what the device takes now."""
        return writeToFD(self.fileno(), data)

    def doRead(self) -> Any:
        """Read what has come."""
        return readFromFD(self.fileno(), self.protocol.dataReceived)

    def connectionLost(self, reason: Failure) -> None:
        """Close the device and tell the protocol."""
        FileDescriptor.connectionLost(self, reason)
        self._serial.close()
        self.protocol.connectionLost(reason)
