#!/usr/bin/env python
"""Django's command line. Commands that change the schema connect as its owner, all others as the lesser runtime role."""

import os
import sys

from config.start import read_settings

OWNER_COMMANDS = {"migrate", "makemigrations", "backup", "restore", "flush", "sqlflush", "squashmigrations"}


def main() -> None:
    owner = os.environ.get("DATABASE_OWNER_URL")
    if owner and len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS:
        os.environ["DATABASE_URL"] = owner
    read_settings()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
