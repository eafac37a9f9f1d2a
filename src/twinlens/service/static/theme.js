// The chosen appearance -> <html data-theme>, before the first paint. Not a module, so that it runs at once.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("twinlens-theme");
  } catch {
    // storage is switched off: the system's appearance it is
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
