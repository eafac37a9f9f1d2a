"""Whatever goes wrong -> one tree of exceptions.

    TwinlensError
    |-- OptionError                 an unknown name or a value outside its range
    |-- ImageError                  a photo or video that cannot be read
    |   |-- ImageTooLargeError      more bytes or pixels than the limit
    |   `-- MissingPhotosError      too many indexed photos gone at once to be believed
    |-- NoFaceError                 nobody in the picture
    |-- QualityError                a face too poor to be enrolled
    |-- ModelError
    |   |-- ModelNotFoundError      no such model, or its file is not here
    |   |-- ModelMismatchError      vectors of two models compared
    |   `-- ChecksumError           a file is not the one its card describes
    |-- GalleryError
    |   |-- UnknownSubjectError     nobody of that name is enrolled
    |   |-- ConflictError           the face already belongs to another subject
    |   `-- GalleryUnavailableError locked, full, unreachable: try again later
    |-- DatasetError
    |-- RecipeError
    |-- CalibrationError
    `-- ServiceError                the service's own files: keys, audit log, stored answers
        `-- ServiceUnavailableError busy, full, failing: try again later

A message says what was wanted, what came, and what to do. The command line maps this tree to exit codes,
the service to HTTP statuses.
"""

from __future__ import annotations


class TwinlensError(Exception):
    """The root: catch this to catch everything that Twinlens raises on purpose."""


class OptionError(TwinlensError, ValueError):
    """A name that is not known, or a value outside its range."""


class ImageError(TwinlensError):
    """A photo or video that cannot be read."""


class ImageTooLargeError(ImageError):
    """More bytes or pixels than the limit allows; found out before decoding."""


class MissingPhotosError(ImageError):
    """So many photos that were indexed are gone at once that a disk is probably not mounted; nothing was erased."""


class NoFaceError(TwinlensError):
    """No face was found where one is needed."""


class QualityError(TwinlensError):
    """A face too poor for what was asked; the message names each reason."""


class ModelError(TwinlensError):
    """Something is wrong with a model, its card or its file."""


class ModelNotFoundError(ModelError):
    """No model of that name, or its file is not on this machine."""


class ModelMismatchError(ModelError):
    """Embeddings of different models cannot be compared."""


class ChecksumError(ModelError):
    """A file's sha256 is not the one in its card."""


class GalleryError(TwinlensError):
    """Something is wrong with a gallery."""


class UnknownSubjectError(GalleryError):
    """Nobody of that name is enrolled."""


class ConflictError(GalleryError):
    """The face already belongs to another subject, or two writers want the same name."""


class GalleryUnavailableError(GalleryError):
    """The gallery cannot answer now: locked by another writer, disk full, server absent."""


class DatasetError(TwinlensError):
    """A data set is missing, incomplete or malformed."""


class RecipeError(TwinlensError):
    """A training recipe is malformed."""


class CalibrationError(TwinlensError):
    """Scores cannot support what was asked of a calibration."""


class ServiceError(TwinlensError):
    """Something is wrong with a file of the service: its keys, its audit log, its stored answers."""


class ServiceUnavailableError(ServiceError):
    """A file of the service cannot be used now: locked by another process, disk full; nothing was done."""
