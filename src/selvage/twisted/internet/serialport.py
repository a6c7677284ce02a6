"""`twisted.internet.serialport`: serial ports, over pyserial."""

from selvage.transports.serialport import (
    EIGHTBITS as EIGHTBITS,
    FIVEBITS as FIVEBITS,
    PARITY_EVEN as PARITY_EVEN,
    PARITY_NONE as PARITY_NONE,
    PARITY_ODD as PARITY_ODD,
    SEVENBITS as SEVENBITS,
    SIXBITS as SIXBITS,
    STOPBITS_ONE as STOPBITS_ONE,
    STOPBITS_TWO as STOPBITS_TWO,
    BaseSerialPort as BaseSerialPort,
    SerialPort as SerialPort,
)
