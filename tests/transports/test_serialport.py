"""Serial ports; a terminal's two ends stand for the cable."""

from __future__ import annotations

import os
import subprocess
import sys
import tty

import pytest

from selvage.defer import Deferred
from selvage.errors import ConnectionDone, ConnectionLost
from selvage.protocols import Protocol
from selvage.tasks import Clock

serialport = pytest.importorskip("selvage.transports.serialport", reason="pyserial is not installed")


class Talker(Protocol):
    def __init__(self):
        self.received = b""
        self.awaited = None
        self.lost = Deferred()

    def dataReceived(self, data):
        self.received += data
        if self.awaited is not None and self.received.endswith(self.awaited[0]):
            self.awaited[1].callback(self.received)

    def until(self, end):
        self.awaited = (end, Deferred())
        return self.awaited[1]

    def connectionLost(self, reason):
        self.lost.callback(reason.value)


@pytest.fixture
def cable():
    """Return the far end's descriptor and the name of the near one."""
    far, near = os.openpty()
    tty.setraw(near)
    name = os.ttyname(near)
    os.close(near)
    # While nobody has the near end open, reading the far one fails; what is written there is kept.
    yield far, name
    try:
        os.close(far)
    except OSError:
        pass


def test_talks_both_ways(reactor, run, cable):
    far, name = cable

    async def main():
        talker = Talker()
        port = serialport.SerialPort(talker, name, reactor, baudrate=115200)
        assert talker.connected
        assert repr(port) == f"<SerialPort {name} open>"
        answer = talker.until(b"OK\r")
        os.write(far, b"AT\rOK\r")
        assert await answer == b"AT\rOK\r"
        port.write(b"ATZ\r")
        port.loseConnection()  # when that is written
        assert type(await talker.lost) is ConnectionDone
        assert os.read(far, 100) == b"ATZ\r"
        assert (port.fileno(), repr(port)) == (-1, f"<SerialPort {name} closed>")

    run(main)


def test_much_is_written_in_order(reactor, run, cable):
    far, name = cable
    sent = b"".join(b"%07d\n" % number for number in range(20000))

    async def main():
        talker = Talker()
        port = serialport.SerialPort(talker, name, reactor)
        port.write(sent)
        got = bytearray()
        done = Deferred()

        def read():
            got.extend(os.read(far, 65536))
            if len(got) == len(sent):
                reactor._asyncioEventloop.remove_reader(far)
                done.callback(None)

        reactor._asyncioEventloop.add_reader(far, read)
        await done
        assert bytes(got) == sent
        port.loseConnection()
        await talker.lost

    run(main)


def test_unplugged_device_ends_the_connection(reactor, run, cable):
    far, name = cable

    async def main():
        talker = Talker()
        serialport.SerialPort(talker, name, reactor)
        os.close(far)
        assert type(await talker.lost) in (ConnectionLost, ConnectionDone)

    run(main)


def test_protocol_that_raises_loses_the_port_only(reactor, run, cable, reports):
    far, name = cable

    class Broken(Talker):
        def dataReceived(self, data):
            raise LookupError("no such command")

    async def main():
        talker = Broken()
        serialport.SerialPort(talker, name, reactor)
        os.write(far, b"?")
        assert type(await talker.lost) is LookupError

    run(main)
    assert [report.failure.type for report in reports] == [LookupError]
    reports.clear()


def test_device_that_is_not_there_is_named(reactor):
    with pytest.raises(serialport.serial.SerialException, match="/dev/nowhere"):
        serialport.SerialPort(Talker(), "/dev/nowhere", reactor)


class Device:
    """Stands for pyserial's port: keeps what is set, and says what is asked."""

    name = "made up"
    is_open = True
    dsr, cd, ri, cts = True, False, True, False
    in_waiting = 7

    def __init__(self, name, **settings):
        self.settings = settings
        self.flushed = []

    def fileno(self):
        return 99

    def reset_input_buffer(self):
        self.flushed.append("input")

    def reset_output_buffer(self):
        self.flushed.append("output")

    def close(self):
        self.is_open = False


class ClockOfReaders(Clock):
    """A reactor that has time, and takes readers without watching them."""

    def addReader(self, reader): ...

    removeReader = removeWriter = addReader


class PortOnDevice(serialport.SerialPort):
    _serialFactory = Device


def test_device_is_asked_and_set():
    clock = ClockOfReaders()
    port = PortOnDevice(
        Talker(), "made up", clock, 19200, serialport.SEVENBITS, serialport.PARITY_EVEN, 2, xonxoff=1
    )
    device = port._serial
    assert device.settings == {
        "baudrate": 19200, "bytesize": 7, "parity": "E", "stopbits": 2, "timeout": 0, "xonxoff": 1, "rtscts": 0,
    }  # fmt: skip
    assert device.flushed == ["input", "output"]
    assert (port.getDSR(), port.getCD(), port.getRI(), port.getCTS(), port.inWaiting()) == (
        True,
        False,
        True,
        False,
        7,
    )
    port.setBaudRate(300)
    port.setDTR(0)
    port.setRTS()
    assert (device.baudrate, device.dtr, device.rts) == (300, False, True)


def test_break_does_not_hold_up_the_reactor():
    clock = ClockOfReaders()
    port = PortOnDevice(Talker(), "made up", clock)
    port.sendBreak()
    assert port._serial.break_condition is True
    clock.advance(0.25)
    assert port._serial.break_condition is False
    port.sendBreak()
    port._serial.close()
    clock.advance(0.25)  # nothing is set on what is closed
    assert port._serial.break_condition is True


@pytest.mark.slow
def test_absent_pyserial_is_named_with_the_extra():
    program = "import sys; sys.modules['serial'] = None; import selvage.transports.serialport"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "ImportError: serial ports need pyserial: pip install 'selvage[serial]'" in done.stderr
