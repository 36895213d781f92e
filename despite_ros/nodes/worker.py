"""A thread beside the executor, so that sensor messages are taken while a sweep is processed."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class NewestFirstWorker(Generic[T]):
    """Handles the newest item it was offered; an older one that has not begun gives way.

    handle: runs in the thread, one item at a time. failed: takes what it raises; the thread goes on.
    """

    def __init__(self, handle: Callable[[T], None], failed: Callable[[Exception], None], name: str) -> None:
        self._handle, self._failed = handle, failed
        self._changed = threading.Condition()
        self._waiting: T | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, item: T) -> bool:
        """Hand over an item; whether an older one gave way."""
        with self._changed:
            gave_way = self._waiting is not None
            self._waiting = item
            self._changed.notify()
        return gave_way

    def close(self) -> None:
        """Finish the item in hand and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting is not None)
                if self._closed:
                    return
                item, self._waiting = self._waiting, None
            if item is not None:
                try:
                    self._handle(item)
                except Exception as error:  # a fault of ours must not end a robot's node
                    self._failed(error)
