"""Errors that a user can cause."""


class UserError(Exception):
    """Something the user can mend. The message says what was wrong, where, and what would be right.

    Command-line programs and nodes print it on one line and end with status 2, without a traceback.
    """
