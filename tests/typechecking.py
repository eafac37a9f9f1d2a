"""What jaxtyping's import hook checks annotations with: beartype, for which an int is a float, as for mypy."""

from beartype import BeartypeConf, beartype

typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))
