// Deleting, with a while to undo it: the picture is hidden at once, and the service is told when the while is over.
//
// Each deletion has a while and an Undo of its own. Whoever leaves has meant all of them.

import { Lost } from "./http.js";
import { authorization } from "./session.js";
import { toast } from "./messages.js";
import { text } from "./texts.js";

const UNDO_FOR = 10_000; // milliseconds
const MOST = 4; // at once: more messages than these would cover the pictures

let pending = []; // oldest first: { pictures, image, away }
let tell = null;

// `onProblem(pictures, error)`: it could not be deleted, and is seen again. `onDone()`: it is gone.
export function startRemoval(onProblem, onDone) {
  tell = { onProblem, onDone };
  addEventListener("keydown", (event) => {
    const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
    if (!isUndo || pending.length === 0 || event.target.closest("input, textarea")) return;
    event.preventDefault();
    undo(pending.at(-1));
  });
  addEventListener("pagehide", leave);
}

export function remove(pictures, image) {
  const one = { pictures, image };
  const action = [text("delete.undo"), () => undo(one)];
  one.away = toast(text("delete.done", { name: image.filename }), { action, onEnd: () => finish(one), stays: UNDO_FOR });
  pending.push(one);
  pictures.hide(image);
  if (pending.length > MOST) finish(pending[0]);
}

// It waits no longer, whatever comes of it. False: it had not waited any more.
function taken(one) {
  if (!pending.includes(one)) return false;
  pending = pending.filter((each) => each !== one);
  one.away();
  return true;
}

function undo(one) {
  if (!taken(one)) return;
  one.pictures.unhide(one.image);
  toast(text("delete.restored", { name: one.image.filename }));
}

async function finish(one) {
  if (!taken(one)) return;
  const { pictures, image } = one;
  try {
    await pictures.remove(image);
    tell.onDone();
  } catch (error) {
    if (error instanceof Lost) lost(one);
    else tell.onProblem(pictures, error);
  } finally {
    pictures.unhide(image);
  }
}

function lost({ pictures, image }) {
  const again = () => pictures.load().then(() => pictures.find(image.id) && remove(pictures, image), () => lost({ pictures, image }));
  toast(text("delete.lost", { name: image.filename }), { action: [text("page.try_again"), again], stays: 2 * UNDO_FOR });
}

// Answers when all that wait have ended; at once where none waits.
export const carryOut = () => Promise.all([...pending].map(finish));

// The page is going: the browser sends these calls after it.
function leave() {
  const last = pending;
  pending = [];
  for (const { pictures, image, away } of last) {
    const others = last.filter((each) => each.pictures === pictures).length - 1;
    const { path, ifMatch } = pictures.lastCall(image, others);
    away();
    pictures.unhide(image); // for whoever comes back by the browser's own button: by then it is gone, or it is not
    if (!ifMatch) continue;
    const headers = { Authorization: authorization(), "If-Match": ifMatch };
    fetch(path, { method: "DELETE", headers, keepalive: true, credentials: "omit" });
  }
}
