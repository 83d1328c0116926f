// The status light of the page at /: what /health/ready says, in words, asked for again while the page is looked at.

const SECONDS = 15;
const PARTS = {database: "database", storage: "blob store", instance: "installation"};
const status = document.getElementById("status");
const words = status.querySelector(".words");

document.documentElement.classList.add("has-scripts");
document.addEventListener("visibilitychange", look);
setInterval(look, SECONDS * 1000);
look();

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch("health/ready", {cache: "no-store", credentials: "omit"});
    say(await answer.json());
  } catch {
    show("unavailable", "Not reachable");
  }
}

function say({status: state, ...parts}) {
  if (state === "ready") return show("ready", "Ready");
  if (state === "stopping") return show("unavailable", "Stopping");
  const wrong = Object.entries(PARTS).filter(([name]) => !["ok", "not checked"].includes(parts[name]));
  show("unavailable", `Not ready: ${wrong.map(([name, word]) => `${word} ${parts[name]}`).join(", ")}`);
}

function show(state, text) {
  status.dataset.state = state;
  if (words.textContent !== text) words.textContent = text; // it is read out only where it changes
}
