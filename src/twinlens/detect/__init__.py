"""Image -> [Face]: one detector a file, a visible dict of them."""
