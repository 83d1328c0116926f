// A product's name and key, and the dialog that edits them.

import { api } from "./http.js";
import { byId, openDialog, show } from "./dom.js";
import { saving } from "./pictures.js";
import { text } from "./texts.js";

// { name, key, etag }: null for a name or key that it has not. `signal` gives up the question.
export async function called(product, signal) {
  try {
    const { body, header } = await api("GET", `products/${product}?fields=id,name,key`, { signal });
    return { name: body.name ?? null, key: body.key ?? null, etag: header("ETag") };
  } catch (error) {
    if (error.status !== 404) throw error;
    const { header } = await api("GET", `products/${product}/images?fields=id&per_page=1`, { signal });
    return { name: null, key: null, etag: header("ETag") }; // a product without pictures, name or key
  }
}

// Someone else changed a field that the user changed too: `now` is what the service has.
class Changed extends Error {
  constructor(now, fields) {
    const theirs = (field) => (now[field] === null ? text("conflict.no_text") : text("conflict.their_text", { text: now[field] }));
    super([text("naming.changed"), ...fields.map((field) => `${text(`naming.${field}`)}: ${theirs(field)}`)].join(" "));
    this.now = now;
  }
}

// Saves the fields in `json`, unless one of them is no longer as it was `before`. The ETag is the whole gallery's, which
// an upload changes too; and it differs if this change was made and its answer was lost. Both are no reason to give up.
async function save(product, json, before, signal) {
  try {
    const { body } = await api("PUT", `products/${product}`, { json, ifMatch: before.etag, outlivesLoss: true, signal });
    return body;
  } catch (error) {
    if (error.status !== 412) throw error;
  }
  const now = await called(product, signal);
  const theirs = Object.keys(json).filter((field) => now[field] !== before[field] && now[field] !== json[field]);
  if (theirs.length) throw new Changed(now, theirs);
  return save(product, json, now, signal);
}

// `product()` is the open product's number. `onNamed(product, { name, key })` is called after a change.
export function startNaming(product, onNamed) {
  const [dialog, name, key, problem, button] = ["name-dialog", "product-name", "product-key", "name-problem", "save-name"].map(byId);
  let closing = new AbortController(); // closing the dialog gives up what it waits for
  dialog.onclose = () => dialog.open || closing.abort(); // it may be open again by now: the event comes a frame later

  byId("name-product").onclick = async () => {
    closing.abort();
    closing = new AbortController();
    const { signal } = closing;
    const one = product(); // Back may open another one behind the dialog
    let before, shown;
    const fill = (found) => {
      before = found;
      [name.value, key.value] = [found.name ?? "", found.key ?? ""];
      shown = { name: name.value, key: key.value }; // a field may show a value otherwise than it came: on one line
    };
    const edited = () => ({
      ...(name.value !== shown.name && { name: name.value.trim() || null }),
      ...(key.value !== shown.key && { key: key.value.normalize() || null }), // as the service spells it
    });
    dialog.querySelector("form").onsubmit = async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      const [typed, json] = [{ name: name.value, key: key.value }, edited()];
      become("saving");
      try {
        const named = await saving(save(one, json, before, signal));
        dialog.close();
        onNamed(one, named);
      } catch (error) {
        if (signal.aborted) return cancelled(one);
        if (error instanceof Changed) {
          fill(error.now);
          if ("name" in json) name.value = typed.name;
          if ("key" in json) key.value = typed.key;
        }
        become("ready", error.message);
      }
    };
    fill({ name: null, key: null });
    become("asking");
    openDialog(dialog);
    try {
      fill(await called(one, signal));
      become("ready");
      name.focus();
    } catch (error) {
      if (!signal.aborted) become("unknown", error.message);
    }
  };

  // "asking" and "unknown": what it is called now is not known, so nothing can be changed. "saving" keeps the focus where
  // it is. The dialog can always be closed.
  function become(state, words = "") {
    dialog.setAttribute("aria-busy", String(["asking", "saving"].includes(state)));
    for (const field of [name, key]) {
      field.disabled = ["asking", "unknown"].includes(state);
      field.readOnly = state === "saving";
    }
    button.disabled = state !== "ready";
    problem.textContent = words;
    show(problem, words !== "");
  }

  // The service may have made the change before it was given up.
  async function cancelled(one) {
    const found = await called(one).catch(() => null);
    if (found) onNamed(one, found);
  }
}
