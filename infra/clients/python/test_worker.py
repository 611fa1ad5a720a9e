"""Works on the kinds that the test `gateway/tests/api/python_client.rs` makes tasks of.

    python3 test_worker.py URL KEY
"""

import sys
import threading

from almanac_worker import Failed, Worker

worker = Worker(sys.argv[1], sys.argv[2], "python", slots=4)


@worker.does("py.sum")
def total(payload, attempt):
    numbers = payload["numbers"]
    for done, number in enumerate(numbers, 1):
        attempt.log(f"adds {number}")
        attempt.progress(done, len(numbers))
    return {"sum": sum(numbers)}


@worker.does("py.fail")
def fail(payload, _attempt):
    if payload["how"] == "raise":
        return 1 // 0
    raise Failed("out_of_paper", "there is none left", retryable=False)


@worker.does("py.wait")
def wait(_payload, attempt):
    attempt.log("waits to be stopped")
    while not attempt.stop.wait(0.05):
        pass
    attempt.check()


def until_told():
    sys.stdin.read()
    worker.ending.set()


threading.Thread(target=until_told, daemon=True).start()
worker.run(wait_s=1)
print("ended", flush=True)
