"""Free ports of the loopback interface that stay free until the process that they are for listens on them."""

import socket

_reservations: list[socket.socket] = []


def reserved_port() -> int:
    """A port of 127.0.0.1 that nobody else on this machine is given while this process lives.

    It is held by a socket that is bound and does not listen. Servers bind with SO_REUSEADDR, which a socket that does
    not listen allows; the kernel, which picks ports for those that do not care, takes it as taken.
    """
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    _reservations.append(reservation)
    port: int = reservation.getsockname()[1]
    return port
