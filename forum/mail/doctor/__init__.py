"""What stands between this site and the inbox: settings, DNS and the running worker in, a to-do list out.

Each check is a function of what it is given; only what :func:`resolver` returns reaches for the network.
"""

from .connections import connections
from .finding import Finding
from .records import Resolver, records, resolver
from .running import Flow, flow, look
from .server import server
from .site import site

__all__ = ["Finding", "Flow", "Resolver", "connections", "flow", "look", "records", "resolver", "server", "site"]
