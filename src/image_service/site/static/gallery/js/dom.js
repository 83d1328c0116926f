// Finding, copying and filling elements of the page.

export const byId = (id) => document.getElementById(id);

// The first element of a <template>, as new.
export const clone = (id) => byId(id).content.firstElementChild.cloneNode(true);

export function show(element, isShown) {
  element.hidden = !isShown;
}

// A dialog opens with the focus where it is needed, and [data-close] closes it.
export function openDialog(dialog) {
  for (const button of dialog.querySelectorAll("[data-close]")) button.onclick = () => dialog.close();
  dialog.showModal();
}
