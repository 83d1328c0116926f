// Who works here: a store's id and token, in this tab's sessionStorage alone.

import { byId, openDialog, show } from "./dom.js";
import { text } from "./texts.js";

const KEPT = "image-service.session"; // sessionStorage: no other tab has it, and it ends with this one

let current = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
let renewal = null;

export const storeId = () => current?.store ?? "";

export const storeName = () => current?.name ?? "";

// Whether the token may change anything. The page then offers nothing that it may not do.
export const canWrite = () => current?.scope !== "read";

// Bytes, not characters, are what base64 takes.
export function authorization() {
  const bytes = new TextEncoder().encode(`${current?.store}:${current?.token}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

export const isSignedIn = () => current !== null;

export function signOut() {
  sessionStorage.clear(); // what was asked for by URL is kept there, too
  location.assign(location.pathname); // and with the page, everything that it shows
}

// Ask for id and token until the service takes them. However many calls wait for it, it is asked once.
export function signIn(why = "") {
  renewal ??= ask(why).finally(() => (renewal = null));
  return renewal;
}

// After a 401 for `used`: another call may have been told before, and the token be new already.
export async function renew(used) {
  if (renewal === null && used !== authorization()) return;
  await signIn(text("signin.again"));
}

function ask(why) {
  const dialog = byId("sign-in");
  const [id, token, problem] = ["store-id", "token", "sign-in-problem"].map(byId);
  const before = current;
  let isDone = false;
  byId("sign-in-why").textContent = why || text("signin.why");
  dialog.classList.toggle("is-first", before === null);
  id.value = before?.store ?? "";
  token.value = "";
  show(problem, false);
  return new Promise((resolve) => {
    dialog.oncancel = (event) => event.preventDefault(); // there is nothing else to do here
    dialog.onclose = () => isDone || openDialog(dialog); // a browser may close it all the same
    dialog.firstElementChild.onsubmit = async (event) => {
      event.preventDefault();
      const said = { store: id.value.trim(), token: token.value.trim() };
      const button = event.submitter;
      button.disabled = true;
      const wrong = await refused(said); // adds the store's name and the token's scope
      button.disabled = false;
      problem.textContent = wrong;
      show(problem, wrong !== "");
      if (wrong) return;
      current = said;
      sessionStorage.setItem(KEPT, JSON.stringify(current));
      token.value = "";
      isDone = true;
      if (before && before.store !== said.store) {
        location.reload(); // nothing of one store is shown to another, and what was waiting is not sent to it
        return;
      }
      dialog.close();
      resolve();
    };
    openDialog(dialog);
    (before ? token : id).focus();
  });
}

// Why these are not taken; "" if they are.
async function refused(said) {
  const kept = current;
  current = said;
  const headers = { Authorization: authorization() };
  current = kept;
  try {
    const answer = await fetch("store", { headers, credentials: "omit", cache: "no-store" });
    if (answer.ok) {
      const { name, scope } = await answer.json();
      Object.assign(said, { name, scope });
      return "";
    }
    if (answer.status === 401) return text("signin.wrong");
    return answer.status === 429 ? text("signin.too_many") : text("signin.failed", { status: String(answer.status) });
  } catch {
    return text("signin.unreachable");
  }
}
