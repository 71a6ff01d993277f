// What plain HTML cannot do, and every page works without: htmx under a strict policy, suggestions
// by keyboard, one more row without a round trip, two panes.
"use strict";

(() => {
  const htmx = window.htmx;
  if (htmx) {
    // htmx turns answers of this site into markup; it may not turn text into code.
    const refuse = function () { throw new Error("no code from text"); };
    htmx.registerExtension("airline", {
      init: (api) => {
        const policy = window.trustedTypes
          ? window.trustedTypes.createPolicy("htmx", { createHTML: (text) => text, createScript: () => "" })
          : null;
        api.initSecurity(policy, refuse, refuse);
      },
    });
  }

  // Suggestions under a field: shown while there are any, walked with the arrow keys.
  const listOf = (input) => document.getElementById(input.getAttribute("aria-controls"));
  const close = (input) => {
    const list = listOf(input);
    if (!list) return;
    list.hidden = true;
    list.replaceChildren();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const take = (input, option) => {
    input.value = option.dataset.text;
    close(input);
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("htmx:after:swap", () => {
    for (const input of document.querySelectorAll("[role=combobox]")) {
      const list = listOf(input);
      if (!list) continue;
      const open = list.children.length > 0 && document.activeElement === input;
      list.hidden = !open;
      input.setAttribute("aria-expanded", String(open));
      [...list.children].forEach((option, place) => { option.id = `${list.id}-${place}`; });
    }
  });
  document.addEventListener("keydown", (event) => {
    const input = event.target.closest?.("[role=combobox]");
    const list = input && listOf(input);
    if (!list || list.hidden) return;
    const options = [...list.querySelectorAll("[data-text]")];
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      options[at]?.setAttribute("aria-selected", "false");
      const from = at < 0 && step < 0 ? options.length : at;
      const option = options[(from + step + options.length) % options.length] ?? options[0];
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", option.id);
    } else if (event.key === "Enter") {
      // With suggestions open, Enter is about them; without, it saves.
      event.preventDefault();
      if (at >= 0) take(input, options[at]);
      else close(input);
    } else if (event.key === "Escape") {
      event.preventDefault();
      close(input);
    }
  });
  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option][data-text]");
    if (!option) return;
    event.preventDefault();
    const input = document.querySelector(`[aria-controls="${option.parentElement.id}"]`);
    if (input) take(input, option);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.matches?.("[role=combobox]")) close(event.target);
  });

  // One more row: the same fragment that the form would show after a round trip.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-row]");
    if (!button || !htmx) return;
    event.preventDefault();
    const name = button.dataset.row;
    const rows = document.getElementById(`${name}-new`);
    const kind = location.pathname.split("/")[2];
    htmx
      .ajax("GET", `/admin/${kind}/row/${name}/${Date.now()}`, { target: rows, swap: "beforeend" })
      .then(() => rows.lastElementChild?.querySelector("input")?.focus());
  });

  // Two panes: what is ticked on one side goes to the other.
  document.addEventListener("change", (event) => {
    const box = event.target;
    const chooser = box.matches?.("input[type=checkbox]") && box.closest("[data-chooser]");
    if (!chooser) return;
    const chosen = document.getElementById(`${chooser.dataset.chooser}-chosen`);
    const item = box.closest("li");
    if (box.checked && !chosen.contains(item)) {
      chosen.append(item);
      box.focus();
    }
  });
  // A search answers with boxes that may be ticked already, on the other side.
  document.addEventListener("htmx:after:swap", () => {
    for (const chooser of document.querySelectorAll("[data-chooser]")) {
      const name = chooser.dataset.chooser;
      const chosen = new Set(
        [...document.querySelectorAll(`#${name}-chosen input`)].map((box) => box.value));
      for (const box of document.querySelectorAll(`#${name}-candidates input[type=checkbox]`)) {
        if (chosen.has(box.value)) box.closest("li").remove();
      }
    }
  });

  // What could not be saved is read out, and is where one goes on.
  document.getElementById("problems")?.focus();
})();
