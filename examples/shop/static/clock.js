// Shows the time that the server sends. When the stream ends, the browser asks
// again by itself, and is then told whether the session has ended.
"use strict";

const clock = document.getElementById("clock");
const source = new EventSource("/clock/events");

// What can be said stands in the page, and one piece of it is shown.
function say(state) {
  for (const p of document.querySelectorAll("[data-state]")) {
    p.hidden = p.dataset.state !== state;
  }
}

source.addEventListener("message", (event) => {
  clock.textContent = event.data;
  say("live");
});
source.addEventListener("ended", () => {
  source.close();
  say("ended");
});
source.addEventListener("error", () => {
  say(source.readyState === EventSource.CLOSED ? "failed" : "waiting");
});
