"""A stand-in for systemd's notification socket: prints every message it gets as one JSON line."""

import array
import json
import os
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print(json.dumps("listening"), flush=True)
while True:
    message, control, _, _ = listener.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors = array.array("i")
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
            for descriptor in descriptors:
                os.close(descriptor)
    print(json.dumps(message.decode()), flush=True)
