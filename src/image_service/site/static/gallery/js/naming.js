// A product's name and key, and the dialog that edits them.

import { api } from "./http.js";
import { byId, openDialog, show } from "./dom.js";

// { name, key }, those that exist.
export async function called(product) {
  try {
    const { body } = await api("GET", `products/${product}?fields=id,name,key`);
    return body;
  } catch (error) {
    if (error.status === 404) return {}; // a product without pictures, name or key
    throw error;
  }
}

// `product()` is the open product's number, `known()` its { name, key }; `onNamed` is called after a change.
export function startNaming(product, known, onNamed) {
  const [dialog, name, key, problem] = ["name-dialog", "product-name", "product-key", "name-problem"].map(byId);
  byId("name-product").onclick = () => {
    const { name: before, key: own } = known();
    name.value = before ?? "";
    key.value = own ?? "";
    show(problem, false);
    openDialog(dialog);
  };
  dialog.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    const one = product();
    const json = { name: name.value.trim() || null, key: key.value || null };
    try {
      const { body } = await api("PUT", `products/${one}`, { json, outlivesLoss: true });
      dialog.close();
      onNamed(one, body);
    } catch (error) {
      problem.textContent = error.message;
      show(problem, true);
    }
  };
}
