// Helpers for elements: find, clone from a template, fill, show.

export const byId = (id) => document.getElementById(id);

// A new copy of a <template>'s first element.
export const clone = (id) => byId(id).content.firstElementChild.cloneNode(true);

export function show(element, isShown) {
  element.hidden = !isShown;
}

// Opens a dialog with the focus on its first field; [data-close] closes it.
export function openDialog(dialog) {
  for (const button of dialog.querySelectorAll("[data-close]")) button.onclick = () => dialog.close();
  dialog.showModal();
}
