"""`python -m config` reads the settings and ends: with a sentence and status 1 where one is wrong."""

from config.start import read_settings

read_settings()
