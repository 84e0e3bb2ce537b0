"""``python -m gradcheck`` is the command ``gradcheck``."""

from gradcheck.cli import main

raise SystemExit(main())
