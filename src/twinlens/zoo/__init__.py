"""A model's name -> its card and its file."""
