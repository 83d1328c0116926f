// Numbers of products and stores, as users write them.

import { text } from "./texts.js";

const LARGEST = 2n ** 63n - 1n; // of the API

export const isNumber = (digits) => /^[1-9][0-9]*$/.test(digits) && BigInt(digits) <= LARGEST;

// A field for such a number says what is wrong before its form is sent.
export function startNumbers() {
  addEventListener("input", ({ target }) => {
    if (target.inputMode !== "numeric") return;
    target.setCustomValidity(target.value === "" || isNumber(target.value) ? "" : text("products.digits"));
  });
}
