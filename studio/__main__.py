"""`python -m studio` is `sampling-studio`."""

import sys

from studio.cli import main

sys.exit(main())
