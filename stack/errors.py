"""What a person sees when a step of the set-up cannot be done."""


class StackError(Exception):
    """A step failed; the message is a sentence that says what to do next."""
