"""Python finds the names of the test at FRONT_DOOR_ADDRESS: in the place of systemd-resolved and of /etc/hosts."""

import os
import re
import socket

_getaddrinfo = socket.getaddrinfo


def _find(host, *arguments, **members):
    ours = isinstance(host, str) and re.search(r"(^|\.)localhost$|\.example\.(com|org)$", host)
    return _getaddrinfo(os.environ["FRONT_DOOR_ADDRESS"] if ours else host, *arguments, **members)


socket.getaddrinfo = _find
