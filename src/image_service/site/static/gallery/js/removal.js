// Deleting, with a while to undo it: the picture is hidden at once, and the service is told when the while is over.
//
// One waits at a time: to delete another is to mean the one before. Whoever leaves has meant it too.

import { authorization } from "./session.js";
import { toast } from "./messages.js";
import { text } from "./texts.js";

const UNDO_FOR = 10_000; // milliseconds

let pending = null; // { pictures, image, away }
let tell = null;

// `onProblem(pictures, error)`: it could not be deleted, and is seen again. `onDone()`: it is gone.
export function startRemoval(onProblem, onDone) {
  tell = { onProblem, onDone };
  addEventListener("keydown", (event) => {
    const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
    if (!isUndo || !pending || event.target.closest("input, textarea")) return;
    event.preventDefault();
    pending.away();
    undo();
  });
  addEventListener("pagehide", leave);
}

export function remove(pictures, image) {
  carryOut();
  const away = toast(text("delete.done", { name: image.filename }), { action: [text("delete.undo"), undo], onEnd: carryOut, stays: UNDO_FOR });
  pending = { pictures, image, away };
  pictures.hide(image);
}

function undo() {
  const { pictures, image } = pending;
  pending = null;
  pictures.unhide(image);
  toast(text("delete.restored", { name: image.filename }));
}

// Answers when that has ended; at once where nothing waits.
export async function carryOut() {
  if (!pending) return;
  const { pictures, image, away } = pending;
  pending = null;
  away();
  try {
    await pictures.remove(image);
    tell.onDone();
  } catch (error) {
    tell.onProblem(pictures, error);
  } finally {
    pictures.unhide(image);
  }
}

// The page is going: the browser sends this one call after it.
function leave() {
  if (!pending) return;
  const { pictures, image, away } = pending;
  const { path, ifMatch } = pictures.lastCall(image);
  pending = null;
  away();
  pictures.unhide(image); // for whoever comes back by the browser's own button: by then it is gone, or it is not
  if (!ifMatch) return;
  const headers = { Authorization: authorization(), "If-Match": ifMatch };
  fetch(path, { method: "DELETE", headers, keepalive: true, credentials: "omit" });
}
