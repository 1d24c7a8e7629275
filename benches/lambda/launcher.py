"""Starts one process at a time for the benchmark, and says when.

Node forks itself to start a process, which takes it milliseconds that would be put down to the subject. Python
starts one by vfork, in a fraction of one. Both read the same monotonic clock.

In: a line `{"command", "cwd", "env", "output"}` starts a process, an empty line ends it, the end of input ends both.
Out: a line `{"pid", "at"}` (nanoseconds) for each start, and one `{"ended"}` when the process is gone.
"""

import json
import os
import select
import subprocess
import sys
import time


def say(**message):
    print(json.dumps(message), flush=True)


def start(command, cwd, env, output):
    with open(output, "wb") as log:
        at = time.monotonic_ns()
        child = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False
        )
    say(pid=child.pid, at=at)
    return child


def main():
    poll = select.poll()
    poll.register(0, select.POLLIN)
    child = watch = None
    try:
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == watch:
                    code = child.wait()
                    poll.unregister(watch)
                    os.close(watch)
                    watch = None
                    say(ended=f"signal {-code}" if code < 0 else f"code {code}")
                else:
                    line = sys.stdin.buffer.raw.readline()
                    if not line:
                        return
                    if line.strip():
                        child = start(**json.loads(line))
                        watch = os.pidfd_open(child.pid)
                        poll.register(watch, select.POLLIN)
                    elif watch is not None:
                        child.kill()
    finally:
        if watch is not None:
            child.kill()


main()
