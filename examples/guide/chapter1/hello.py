# Guide 1.2. Mended: the printed program prints its line and then never ends.
"""Find out whether the installation works: the reactor starts, makes one call, stops."""

from twisted.internet import reactor

reactor.callLater(0, print, "Hello, Twisted!")
reactor.callLater(0.1, reactor.stop)
reactor.run()
