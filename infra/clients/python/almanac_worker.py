"""A worker for Almanac's tasks, with Python's standard library alone.

    from almanac_worker import Failed, Worker

    worker = Worker("http://127.0.0.1:8080", "alm_...", "invoices-1")

    @worker.does("invoice")
    def invoice(payload, attempt):
        for number, line in enumerate(payload["lines"], 1):
            attempt.check()                      # raises Stopped when the task is cancelled
            attempt.log(f"adds {line['name']}")
            attempt.progress(number, len(payload["lines"]))
        return {"total": sum(line["price"] for line in payload["lines"])}

    worker.run()

The API key needs the scope `workers:write`. A handler may be run more than once for one task, so it
should be harmless to repeat; `attempt.task_id` stays the same.
"""

import json
import os
import socket
import threading
import time
import traceback
import urllib.error
import urllib.request


class Failed(Exception):
    """Raised by a handler whose attempt went wrong."""

    def __init__(self, code, message="", retryable=True, retry_after_ms=None):
        super().__init__(message or code)
        self.code, self.message = code, message
        self.retryable, self.retry_after_ms = retryable, retry_after_ms


class Stopped(Exception):
    """Raised by `Attempt.check` once the attempt is to stop: reason is in its words."""


class Refused(Exception):
    """Almanac said no, and would say so again."""

    def __init__(self, status, problem):
        super().__init__(f"{status}: {problem.get('detail', problem)}")
        self.status, self.problem = status, problem


class Attempt:
    """What a handler may know of the attempt that it makes, and how it speaks of it."""

    def __init__(self, worker, leased):
        self._worker, self._token = worker, leased["token"]
        self.kind, self.payload = leased["kind"], leased["payload"]
        self.number, self.task_id = leased["attempt"], leased["task_id"]
        self._every = leased["heartbeat_ms"] / 1000
        self._ended = threading.Event()
        self.stop = threading.Event()
        self.reason = None

    def log(self, text, level="info"):
        """Says something; a line that cannot be delivered is given up."""
        self._say({"lines": [{"level": level, "text": str(text)[:8000]}]})

    def progress(self, done, total=None, note=None):
        """Says how far it is."""
        said = {"done": done, "total": total, "note": note}
        self._say({"progress": {name: one for name, one in said.items() if one is not None}})

    def check(self):
        """Raises Stopped if the attempt is to stop."""
        if self.stop.is_set():
            raise Stopped(self.reason)

    def _say(self, body):
        try:
            self._worker._post(f"/workers/attempts/{self._token}/logs", body)
        except (OSError, Refused):
            pass

    def _beat(self):
        while not self._ended.wait(self._every):
            try:
                path = f"/workers/attempts/{self._token}/heartbeat"
                answer = self._worker._post(path, None)
            except OSError:
                continue
            except Refused as refused:
                answer = {"stop": True, "reason": str(refused)}
            if answer["stop"]:
                self.reason = answer.get("reason")
                self.stop.set()

    def _end(self, how, body):
        """Says how it ended, until that is heard or refused."""
        path, pause = f"/workers/attempts/{self._token}/{how}", 0.2
        while True:
            try:
                return self._worker._post(path, body)
            except OSError:
                time.sleep(pause)
                pause = min(pause * 2, 5)

    def _run(self, handler):
        beating = threading.Thread(target=self._beat, daemon=True)
        beating.start()
        try:
            try:
                how, body = "complete", {"output": handler(self.payload, self)}
            except Stopped as stopped:
                how, body = "fail", {"code": "stopped", "message": str(stopped)}
            except Failed as failed:
                how, body = "fail", {"code": failed.code, "message": failed.message[:2000]}
                body["retryable"] = failed.retryable
                if failed.retry_after_ms is not None:
                    body["retry_after_ms"] = failed.retry_after_ms
            except Exception as error:  # whatever a handler does, its attempt ends
                self.log(traceback.format_exc(), "error")
                how, body = "fail", {"code": type(error).__name__, "message": str(error)[:2000]}
            try:
                self._end(how, body)
            except Refused as refused:
                print(f"task {self.task_id}: {refused}", flush=True)
        finally:
            self._ended.set()


class Worker:
    """Leases attempts and makes them, `slots` at a time."""

    def __init__(self, url, key, name=None, slots=1):
        self._base, self._key = url.rstrip("/") + "/api/v1", key
        self._handlers, self._slots = {}, slots
        self._busy = threading.Semaphore(slots)
        self._running = []
        self.name = name or f"{socket.gethostname().split('.')[0]}-{os.getpid()}"[:40]
        self.ending = threading.Event()

    def does(self, kind):
        """Makes the decorated function the handler of `kind`."""

        def register(handler):
            self._handlers[kind] = handler
            return handler

        return register

    def run(self, wait_s=20):
        """Works until `ending` is set; then what runs may end."""
        pause = 0.2
        while not self.ending.is_set():
            self._busy.acquire()
            self._busy.release()
            try:
                self._lease(wait_s)
                pause = 0.2
            except OSError:
                time.sleep(pause)
                pause = min(pause * 2, 10)
        for thread in self._running:
            thread.join()

    def _lease(self, wait_s):
        self._running = [thread for thread in self._running if thread.is_alive()]
        free = self._slots - len(self._running)
        if free < 1:
            time.sleep(0.05)
            return
        asked = {"worker": self.name, "kinds": sorted(self._handlers)}
        asked.update(max=min(free, 20), wait_s=wait_s)
        for leased in self._post("/workers/lease", asked)["items"]:
            self._busy.acquire()
            thread = threading.Thread(target=self._make, args=(leased,))
            self._running.append(thread)
            thread.start()

    def _make(self, leased):
        try:
            Attempt(self, leased)._run(self._handlers[leased["kind"]])
        finally:
            self._busy.release()

    def _post(self, path, body):
        """The answer; OSError if none came that will stay the same, Refused if one did."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data=data or b"", method="POST")
        request.add_header("Authorization", f"Bearer {self._key}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            text = error.read()
            if error.code == 429 or error.code >= 500:
                raise OSError(f"{error.code}: {text[:200]!r}") from error
            try:
                problem = json.loads(text)
            except ValueError:
                problem = {"detail": text[:200].decode(errors="replace")}
            raise Refused(error.code, problem) from error
        return json.loads(text) if text else None
