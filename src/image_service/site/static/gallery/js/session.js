// The session: a store's id and token, kept in this tab's sessionStorage only.

import { byId, openDialog, show } from "./dom.js";
import { text } from "./texts.js";

const KEPT = "image-service.session"; // sessionStorage: no other tab sees it, and it ends with this tab

let current = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
let renewal = null;
const listeners = [];

// `listener()` is called after each sign-in: the new token may have another scope.
export const onSession = (listener) => listeners.push(listener);

export const storeId = () => current?.store ?? "";

export const storeName = () => current?.name ?? "";

// Whether the token may write. The page offers a read-only token nothing that would be refused.
export const canWrite = () => current?.scope !== "read";

// btoa takes bytes, not characters.
export function authorization() {
  const bytes = new TextEncoder().encode(`${current?.store}:${current?.token}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

export const isSignedIn = () => current !== null;

export function signOut() {
  sessionStorage.clear(); // also holds the pictures that were asked for by URL
  location.assign(location.pathname); // a fresh page shows nothing of the store
}

// Asks for id and token until the service accepts them. Several calls that wait share one dialog.
export function signIn(why = "") {
  renewal ??= ask(why).finally(() => (renewal = null));
  return renewal;
}

// After a 401 for the token `used`. Another call may have renewed the token already.
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
    dialog.oncancel = (event) => event.preventDefault(); // without a session there is nothing to show
    dialog.onclose = () => isDone || openDialog(dialog); // a browser may close it nevertheless
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
      sessionStorage.setItem(KEPT, JSON.stringify(said));
      token.value = "";
      isDone = true;
      if (before && before.store !== said.store) {
        location.reload(); // shows nothing of the store before, and sends it none of the waiting changes
        return;
      }
      current = said;
      dialog.close();
      for (const listener of listeners) listener();
      resolve();
    };
    openDialog(dialog);
    (before ? token : id).focus();
  });
}

// Why the service does not accept these; "" if it does.
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
