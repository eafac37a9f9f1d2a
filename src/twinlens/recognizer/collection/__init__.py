"""A folder of photos, hundreds of thousands of them -> a gallery that holds their faces and follows the folder.

`walking` lists the folder, `ledger` remembers every photo that was looked at, `looking` makes vectors of photos,
`foreman` shares that out among workers (`processes` here, `cluster` on Ray), `keeping` writes; `indexing` is the whole.
"""

from __future__ import annotations

from twinlens.recognizer.collection.crew import Crew
from twinlens.recognizer.collection.foreman import Foreman
from twinlens.recognizer.collection.indexing import IndexOptions, index_collection, ledger_path
from twinlens.recognizer.collection.looking import Eyes, Look, Task, look_at
from twinlens.recognizer.collection.processes import ProcessCrew

__all__ = [
    "Crew",
    "Eyes",
    "Foreman",
    "IndexOptions",
    "Look",
    "ProcessCrew",
    "Task",
    "index_collection",
    "ledger_path",
    "look_at",
]
