"""Tracebacks cut down to what a user can mend."""

import re

import pytest

from gradcheck.report.views.figures import figure
from gradcheck.report.views.text import headline
from gradcheck.verify.case import Case
from gradcheck.verify.mishap import traceback


def own():
    raise RuntimeError("out of cheese")


def caught(function, *args):
    with pytest.raises(Exception) as info:
        function(*args)
    return traceback(info.value)


def test_the_user_s_frames_and_the_error_are_kept():
    assert caught(own).splitlines()[-1] == "RuntimeError: out of cheese"
    assert 'raise RuntimeError("out of cheese")' in caught(own)


def test_frames_of_the_library_are_left_out():
    told = caught(Case, "c", own, own, 7)

    assert "test_mishap.py" in told
    assert "case.py" not in told
    assert "args of case 'c' is a int" in told


@pytest.mark.parametrize("fault", [lambda: headline(None), lambda: figure("3"), lambda: figure(None)])
def test_an_error_with_no_frame_of_the_user_s_keeps_all_of_them(fault):
    with pytest.raises((AttributeError, TypeError, ValueError)) as info:
        fault()
    error = info.value.with_traceback(
        info.value.__traceback__.tb_next.tb_next
    )  # without the frames of this test

    assert re.search(r"(text|figures)\.py", traceback(error))


def test_of_an_argument_that_no_check_takes_the_words_are_enough():
    with pytest.raises(ValueError) as info:
        Case("c", own, own, (1.0,), argnums=7).run()
    error = info.value.with_traceback(info.value.__traceback__.tb_next)

    assert "argnums=7 is out of range" in str(error)
    assert traceback(error) == ""
