"""What waits for one model, in the order in which it runs.

Requests are cut into windows and take turns, so that a long one does not hold up the short ones
behind it. Queries come before documents.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from holotype.pool.queued import Limits, Request, Window


class Waiting:
    """The requests that wait for one model; whoever calls holds the lock that guards them.

    Attributes:
        limits: how much may be queued and run at once.
        n_tokens: the tokens of all requests, estimated.
    """

    def __init__(self, limits: Limits) -> None:
        """Nobody waits yet."""
        self.limits = limits
        self.n_tokens = 0
        # Queries, then all else. A request goes to the end of its queue after each window.
        self._queues: tuple[OrderedDict[Request, None], ...] = (OrderedDict(), OrderedDict())

    def __len__(self) -> int:
        """How many requests wait, or wait for their next window."""
        return sum(map(len, self._queues))

    def has_room(self, n_tokens: int) -> bool:
        """Whether a request of so many tokens may come; one that is too long may if none waits."""
        n_requests = len(self)
        full = n_requests and self.n_tokens + n_tokens > self.limits.queued_tokens
        return not full and n_requests < self.limits.queued_requests

    def add(self, request: Request, *, urgent: bool) -> None:
        """Put a request at the end of the queries, or of all else."""
        self._queues[0 if urgent else 1][request] = None
        self.n_tokens += request.n_tokens

    def add_first(self, request: Request) -> None:
        """Put a request before all but the queries."""
        _put_first(self._queues[1], request)
        self.n_tokens += request.n_tokens

    def remove(self, request: Request) -> bool:
        """Take a request out; return whether it was there."""
        for queue in self._queues:
            if request in queue:
                del queue[request]
                self.n_tokens -= request.n_tokens
                return True
        return False

    def remove_all(self) -> list[Request]:
        """Take every request out, and return them."""
        requests = [request for queue in self._queues for request in queue]
        for request in requests:
            self.remove(request)
        return requests

    def of(self, group: Hashable) -> list[Request]:
        """Return the requests of a group, in their order."""
        return [one for queue in self._queues for one in queue if one.group == group]

    def first(self, now_s: float) -> tuple[Request | None, list[Request]]:
        """Return the request that is next, which stays; and those that are too late, taken out."""
        late = list[Request]()
        for queue in self._queues:
            while queue:
                request = next(iter(queue))
                if not self._leaves(request, now_s, late):
                    return request, late
                del queue[request]
        return None, late

    def take(self, group: Hashable, now_s: float) -> tuple[list[Window], list[Request]]:
        """Return the windows of a batch of a group; and those that are too late, taken out."""
        windows, late = list[Window](), list[Request]()
        left = self.limits.batch_tokens
        for queue in self._queues:
            # What does not go with this batch is the first of the next one.
            skipped: list[Request] = []
            while queue and left > 0:
                request, _ = queue.popitem(last=False)
                if self._leaves(request, now_s, late):
                    continue
                if request.group != group:
                    skipped.append(request)
                    continue
                window = self._cut(request, left, first=not windows)
                if window is None:
                    skipped.append(request)
                    break
                windows.append(window)
                left -= window.n_tokens
                if request.begun < len(request.items):
                    queue[request] = None
            for request in reversed(skipped):
                _put_first(queue, request)
        return windows, late

    def _leaves(self, request: Request, now_s: float, late: list[Request]) -> bool:
        """Whether a request must leave its queue, or has left it, and is not to be run."""
        is_late = request.deadline_s is not None and now_s >= request.deadline_s
        is_done = request.done()
        if not is_late and not is_done:
            return False
        self.n_tokens -= request.n_tokens
        if not is_done:
            late.append(request)
        return True

    def _cut(self, request: Request, left: int, *, first: bool) -> Window | None:
        """Cut the next window off a request, as long as the budget allows."""
        start = request.begun
        n_items = n_tokens = 0
        for count in request.counts[start : start + self.limits.window_texts]:
            # A single text may exceed the budget, or it would wait for ever.
            if n_tokens + count > left and not (first and not n_items):
                break
            n_items, n_tokens = n_items + 1, n_tokens + count
        if not n_items:
            return None
        request.begun += n_items
        if request.begun == len(request.items):
            self.n_tokens -= request.n_tokens
        return Window(request, start, request.items[start : start + n_items], n_tokens)


def _put_first(queue: OrderedDict[Request, None], request: Request) -> None:
    queue[request] = None
    queue.move_to_end(request, last=False)
