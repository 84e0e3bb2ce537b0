"""What is found must not hang on how fast the machine is: the search has all the time that it wants."""

import pytest

from gradcheck.explain.blame import blamed


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blamed, "SECONDS", 30.0)
