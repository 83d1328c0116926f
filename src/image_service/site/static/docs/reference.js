// What the page at /docs does beyond being read: samples, calls to be tried, links into what is folded.

import { useSamples } from "./code.js";
import { openTrial } from "./trial.js";

useSamples({ "Try it": openTrial });
addEventListener("hashchange", unfold);
unfold();

// What a link leads to may be folded.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement && target.id !== "contents") {
    target.open = true;
    target.scrollIntoView();
  }
}
