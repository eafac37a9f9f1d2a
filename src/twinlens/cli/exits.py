"""TwinlensError -> exit code: the one table."""

from __future__ import annotations

from enum import IntEnum

from twinlens import errors


class Exit(IntEnum):
    """What the shell is told."""

    YES = 0  # yes, or done
    NO = 1  # no match, or not everything was done
    USAGE = 2  # the command's words are off
    INPUT = 3  # a photo, folder or data set cannot be used
    MACHINERY = 4  # a model, a gallery or a file of the service cannot be used
    INTERRUPTED = 130  # Ctrl-C, as shells have it


EXIT_CODES: dict[type[errors.TwinlensError], Exit] = {
    errors.TwinlensError: Exit.INPUT,
    errors.OptionError: Exit.USAGE,
    errors.ImageError: Exit.INPUT,
    errors.ImageTooLargeError: Exit.INPUT,
    errors.MissingPhotosError: Exit.INPUT,
    errors.NoFaceError: Exit.INPUT,
    errors.QualityError: Exit.INPUT,
    errors.ModelError: Exit.MACHINERY,
    errors.ModelNotFoundError: Exit.MACHINERY,
    errors.ModelMismatchError: Exit.MACHINERY,
    errors.ChecksumError: Exit.MACHINERY,
    errors.GalleryError: Exit.MACHINERY,
    errors.UnknownSubjectError: Exit.MACHINERY,
    errors.ConflictError: Exit.MACHINERY,
    errors.GalleryUnavailableError: Exit.MACHINERY,
    errors.DatasetError: Exit.INPUT,
    errors.RecipeError: Exit.USAGE,
    errors.CalibrationError: Exit.MACHINERY,
    errors.ServiceError: Exit.MACHINERY,
    errors.ServiceUnavailableError: Exit.MACHINERY,
}


def exit_code(error: errors.TwinlensError) -> Exit:
    """Return the code of an error, by the nearest class in the table."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
