"""The embedded servers, their supervisor, and the commands in bin/.

Standalone: the standard library, the packages that carry server binaries, and supervisor. No Django and no
application code is imported here; the application learns where its servers are from environment variables
(see stack.contract).
"""
