"""Moved to `kerasgan.data.fashion_mnist`; this name stays for a version."""

import warnings

from kerasgan.data.fashion_mnist import (
    ARCHIVES,
    INSTALLED,
    PACKAGE,
    REMEDIES,
    NotAvailableError,
    is_prepared,
    main,
    prepare,
    restore_archive,
)

__all__ = [
    "ARCHIVES",
    "INSTALLED",
    "PACKAGE",
    "REMEDIES",
    "NotAvailableError",
    "is_prepared",
    "main",
    "prepare",
    "restore_archive",
]

warnings.warn(
    "kerasgan.fashion_mnist has become kerasgan.data.fashion_mnist; the old name goes with the next version.",
    DeprecationWarning,
    stacklevel=1 if __name__ == "__main__" else 2,  # Python shows who runs a module only what the module itself says
)

if __name__ == "__main__":
    main()
