"""Slots are handed out in order of arrival, and never more than there are."""

import threading
import time

from engine.slots import Slots


def test_who_comes_first_is_served_first() -> None:
    slots = Slots(1)
    order: list[int] = []

    def take(number: int) -> None:
        with slots:
            order.append(number)

    with slots:
        threads = []
        for number in range(20):
            thread = threading.Thread(target=take, args=(number,))
            thread.start()
            threads.append(thread)
            while len(slots._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(20))


def test_no_more_than_the_given_number_are_inside() -> None:
    slots = Slots(3)
    inside, most = 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with slots:
                with lock:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0)
                with lock:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == 0
    assert 1 <= most <= 3
