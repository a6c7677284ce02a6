"""`twisted.python.threadpool`: a pool of threads."""

from selvage.reactor import ThreadPool as ThreadPool
