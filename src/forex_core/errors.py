"""The error family; the outline is the operator's manual.

ForexError                     1   something unexpected
    UsageError                 2   the command line asks for what does not exist
    DataError                 65   rates came and too few can be trusted, or they are too old
        SourceUnavailable     69   no source answered, and what is stored is too old
        NotYet                75   the value is not out yet: the next timer tick may succeed
    ModelError                70   no member gave a usable forecast
    CannotWrite               73   a file or directory cannot be made, or the disk is full
    CorruptStore              74   a database or file is damaged or missing: restore it
    TrackingError             74   the run could not be recorded in MLflow
    LockBusy                  75   another run holds the lock
    VersionMismatch           76   a database belongs to another version of the program or of MLflow
    NotOwner                  77   the data belong to another user
    SettingsError             78   fix the configuration

Each error says what failed and why (`message`), what was left as it was (`untouched`) and what repairs it (`hint`).
"""


class ForexError(Exception):
    """Base of all expected failures; `exit_code` is what the process ends with."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", untouched: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.untouched = untouched

    @property
    def code(self) -> str:
        """The kind of failure as one stable word, for machines."""
        return type(self).__name__

    def __str__(self) -> str:
        """One line: what failed and why; what is untouched; what repairs it."""
        parts = [self.message, self.untouched, self.hint]
        return "; ".join(" ".join(part.split()) for part in parts if part)


class UsageError(ForexError):
    exit_code = 2


class DataError(ForexError):
    exit_code = 65


class SourceUnavailable(DataError):
    exit_code = 69


class NotYet(DataError):
    exit_code = 75


class ModelError(ForexError):
    exit_code = 70


class CannotWrite(ForexError):
    exit_code = 73


class CorruptStore(ForexError):
    exit_code = 74


class TrackingError(ForexError):
    exit_code = 74


class LockBusy(ForexError):
    exit_code = 75


class VersionMismatch(ForexError):
    exit_code = 76


class NotOwner(ForexError):
    exit_code = 77


class SettingsError(ForexError):
    exit_code = 78
