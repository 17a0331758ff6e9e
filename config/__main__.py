"""`python -m config` reads the settings and ends: with a sentence and status 1 where one is wrong.

With `--servers` it also calls the servers that they name.
"""

import sys

from config.start import call_servers, read_settings

read_settings()
if "--servers" in sys.argv[1:]:
    call_servers()
