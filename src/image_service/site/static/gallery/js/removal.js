// Deletion with undo: a picture is hidden at once, and deleted when the time to undo is over.
//
// Each deletion has its own time and its own Undo. Leaving the page carries out all of them.

import { focusOn } from "./grid.js";
import { Lost } from "./http.js";
import { authorization } from "./session.js";
import { toast } from "./messages.js";
import { text } from "./texts.js";

const UNDO_FOR = 10_000; // milliseconds
const MOST = 4; // at once; more messages would cover the pictures

let pending = []; // oldest first: { pictures, image, away }
const underWay = new Set(); // those that are being deleted
let tell = null;

// `onProblem(pictures, error)`: the deletion failed and the picture is shown again. `onDone()`: it is deleted.
// `arriving(pictures)`: how many pictures this page may be adding to them.
export function startRemoval(onProblem, onDone, arriving) {
  tell = { onProblem, onDone, arriving };
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
  const restore = () => {
    undo(one);
    focusOn(image);
  };
  const action = [text("delete.undo"), restore];
  one.away = toast(text("delete.done", { name: image.filename }), { action, onEnd: () => finish(one), stays: UNDO_FOR });
  pending.push(one);
  pictures.hide(image);
  if (pending.length > MOST) finish(pending[0]);
}

// Takes it out of the pending ones. False: it was no longer pending.
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

// Returns whether it came to an end: false if the line was lost.
async function finish(one) {
  if (!taken(one)) return true;
  const { pictures, image } = one;
  underWay.add(one);
  try {
    await pictures.remove(image);
    tell.onDone();
  } catch (error) {
    if (!underWay.has(one)) return true; // the page was left meanwhile, and has come back
    if (error instanceof Lost) {
      lost(one);
      return false;
    }
    tell.onProblem(pictures, error);
  } finally {
    underWay.delete(one);
    pictures.unhide(image);
  }
  return true;
}

function lost({ pictures, image }) {
  const again = () => pictures.load().then(() => pictures.find(image.id) && remove(pictures, image), () => lost({ pictures, image }));
  toast(text("delete.lost", { name: image.filename }), { action: [text("page.try_again"), again], stays: 2 * UNDO_FOR });
}

// Carries out all pending deletions now. Resolves when they have ended: false if the line was lost for one.
export const carryOut = async () => (await Promise.all([...pending].map(finish))).every(Boolean);

// The page is being left: the browser still sends these calls (keepalive). It ends calls that are under way, perhaps
// before they are sent: they are sent once more.
function leave() {
  const last = [...underWay, ...pending];
  underWay.clear();
  pending = [];
  for (const { pictures, image, away } of last) {
    const others = last.filter((each) => each.pictures === pictures).length - 1 + tell.arriving(pictures);
    const { path, ifMatch } = pictures.lastCall(image, others);
    away();
    pictures.unhide(image); // for a return by the Back button, which then loads the true state
    const headers = { Authorization: authorization(), ...(ifMatch && { "If-Match": ifMatch }) };
    fetch(path, { method: "DELETE", headers, keepalive: true, credentials: "omit" });
  }
}
