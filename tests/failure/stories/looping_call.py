"""A LoopingCall whose function fails at the third call."""

from twisted.internet.task import Clock, LoopingCall

readings = iter(["1", "2", "three"])


def read_sensor():
    return int(next(readings))


clock = Clock()
loop = LoopingCall(read_sensor)
loop.clock = clock
loop.start(1.0).addErrback(lambda failure: print(failure.getTraceback()))
clock.advance(1)
clock.advance(1)
