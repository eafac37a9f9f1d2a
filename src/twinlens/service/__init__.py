"""HTTP requests -> the recognizer's answers: REST under /v1, and the web page. Needs the extra ``service``."""
