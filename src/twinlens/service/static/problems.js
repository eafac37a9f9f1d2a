// Problem details (RFC 9457) -> plain words and what to do.

const ADVICE = {
  NoFaceError: ["No face was found", "Take a photo in which the face is visible, well lit and at least 30 pixels wide."],
  ImageTooLargeError: ["That photo is too large", "Save it smaller, or cut out the part with the face, and try again."],
  ImageError: ["That file cannot be read as a photo", "JPEG, PNG, WebP, TIFF, GIF and BMP photos work, HEIC where the service was installed for it. Was it perhaps cut short in a download?"],
  QualityError: ["The face is too poor to work with", "Take a sharper, brighter photo from the front."],
  OptionError: ["The service does not accept that", "Change what is named below and try again."],
  CalibrationError: ["That strictness cannot be promised", "The model was not measured on enough strangers for it. Choose a less strict one."],
  ConflictError: ["That clashes with somebody enrolled", "Look at the two names: the same person twice, or a relative?"],
  UnknownSubjectError: ["Nobody of that name is enrolled", "Somebody may have renamed or deleted them meanwhile. The list is read again."],
  GalleryUnavailableError: ["The gallery cannot answer now", "Wait a moment and try again. Nothing was lost."],
  GalleryError: ["Something is wrong with the gallery", "Whoever runs the service should run: twinlens gallery doctor"],
  ModelMismatchError: ["The gallery belongs to another model", "Whoever runs the service must choose the model that made the gallery."],
};

const BY_STATUS = {
  0: ["The service cannot be reached", "Is it still running? Your photos and names are still here: try again when it is back."],
  400: ["The service did not understand the request", "Try again. If it stays so, reload the page."],
  401: ["An API key is needed", "Enter one under Settings."],
  403: ["This API key may not do that", "Use a key with the right scope (read, enrol or admin), under Settings."],
  404: ["That is not there", "It may have been renamed or deleted meanwhile."],
  405: ["This service cannot do that yet", "Ask whoever runs it for a newer version."],
  408: ["That took too long to arrive", "Check the connection and try again, with fewer or smaller photos."],
  409: ["That clashes with something that is there", "See below, change it, and try again."],
  413: ["That is too large for the service", "Save the photo smaller, or send fewer at once."],
  415: ["That file is not a photo", "JPEG, PNG, WebP, TIFF, GIF and BMP photos work, HEIC where the service was installed for it."],
  422: ["The service does not accept that", "See below, change it, and try again."],
  429: ["Too many requests", "Wait a moment and try again."],
  500: ["The service made an error", "Try again. If it happens again, whoever runs the service finds it in the log by its number."],
  503: ["The service is busy", "Wait a moment and try again. Nothing was lost."],
  504: ["That took too long", "Try again, with a smaller photo if it happens again."],
};

/** What went wrong with a request: said in plain words, with what to do. */
export class Problem extends Error {
  /**
   * @param {number} status  of HTTP; 0 where no answer came
   * @param {object} [details]  the service's problem details
   */
  constructor(status, details = {}) {
    const [title, todo] = (status && ADVICE[details.error]) || BY_STATUS[status] || BY_STATUS[status >= 500 ? 500 : 422];
    super(title);
    this.name = "Problem";
    this.status = status;
    this.kind = details.error ?? "";
    this.title = title;
    this.todo = todo;
    this.detail = sentence(details);
    this.request = details.request_id ?? "";
    this.retryAfter = null;
  }

  /** True where the same request may work a little later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status === 503 || this.status === 504 || this.status === 408;
  }
}

/** True where a person stopped the work. */
export function stopped(error) {
  return error?.name === "AbortError";
}

/** Anything that was thrown -> a Problem. */
export function problemOf(error) {
  if (error instanceof Problem) return error;
  console.error(error);
  const problem = new Problem(400, { detail: String(error?.message ?? error) });
  problem.title = "The page made an error";
  problem.todo = "Reload the page. What is enrolled is safe with the service.";
  return problem;
}

function sentence(details) {
  if (typeof details.detail === "string") return details.detail;
  if (!Array.isArray(details.detail)) return "";
  return details.detail.map((one) => `${(one.loc ?? []).slice(1).join(" ")}: ${one.msg ?? ""}`).join("; ");
}
