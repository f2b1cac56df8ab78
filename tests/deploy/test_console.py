"""Which lines of the logs reach the console."""

from deploy.local.console import LINES_OF_A_RECORD, LogFilter


def shown(lines):
    chosen = LogFilter()
    return [line for line in lines if chosen.shows(line)]


def test_ordinary_lines_stay_in_the_file():
    assert shown(["[2026-11-23 10:00:00,000: INFO/MainProcess] Task done", "celery@host ready."]) == []


def test_an_error_is_shown_with_its_traceback_and_nothing_after_it():
    lines = [
        "[2026-11-23 10:00:00,000: ERROR/MainProcess] Task failed",
        "Traceback (most recent call last):",
        '  File "tasks.py", line 1, in run',
        "ValueError: no",
        "[2026-11-23 10:00:01,000: INFO/MainProcess] Task done",
        "something else",
    ]
    assert shown(lines) == lines[:4]


def test_a_page_that_is_not_there_is_no_news():
    line = "2026-11-23 10:00:00,000 WARNING django.request Not Found: /favicon.ico"
    assert shown([line]) == []


def test_a_server_error_is_news():
    line = "2026-11-23 10:00:00,000 ERROR django.request Internal Server Error: /"
    assert shown([line, '127.0.0.1 - - [23/Nov/2026:10:00:00] "GET / HTTP/1.1" 500 0']) == [line]


def test_a_record_without_end_is_cut():
    lines = ["Traceback (most recent call last):", *(f"  line {n}" for n in range(1000))]
    assert len(shown(lines)) == LINES_OF_A_RECORD
