"""A HEIC file on standard input -> width, height and RGB pixels on standard output; run by `twinlens.image.heic`.

A script that imports nothing of Twinlens, so that it starts fast. Of a picture with more pixels than its argument
only the size is written. Transparency is laid on white, as elsewhere.
"""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Answer one file; whatever is raised ends in a status that is not 0."""
    from pi_heif.as_plugin import HeifImageFile  # noqa: PLC0415 - fails where only the parent can say so
    from PIL import Image  # noqa: PLC0415 - as above

    picture = HeifImageFile(io.BytesIO(sys.stdin.buffer.read()))  # turned upright by the reader
    width, height = picture.size
    sys.stdout.buffer.write(width.to_bytes(4, "big") + height.to_bytes(4, "big"))
    if width * height > int(sys.argv[1]):
        return
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        sys.stdout.buffer.write(
            Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB").tobytes()
        )
    else:
        sys.stdout.buffer.write(picture.convert("RGB").tobytes())


if __name__ == "__main__":
    main()
