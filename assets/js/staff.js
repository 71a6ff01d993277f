// What staff have beside plain HTML: keys, ranges of ticks, a word before typed text is lost, related
// objects in a dialog. Every page works without.
"use strict";

(() => {
  const isTyping = (element) =>
    element?.matches?.("input:not([type=checkbox], [type=radio], [type=submit]), textarea, select") ||
    element?.isContentEditable;

  // ── Ticks in lists ─────────────────────────────────────────────────────────────────────────
  const ticks = () => [...document.querySelectorAll("#results input[name=id]")];
  const tell = () => {
    const said = document.querySelector("[data-ticked]");
    if (!said) return;
    const all = ticks();
    const count = all.filter((box) => box.checked).length;
    const every = document.querySelector("#bulk [name=all]");
    const text = every?.checked
      ? `All ${said.dataset.of} that match`
      : count ? `${count} of ${all.length} on this page ticked` : "Tick rows to act on them";
    if (said.textContent !== text) said.textContent = text;
    const whole = document.querySelector("[data-tick-all]");
    if (whole) {
      whole.checked = count > 0 && count === all.length;
      whole.indeterminate = count > 0 && count < all.length;
    }
  };
  let lastTick = null;
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("#results input[name=id]");
    if (!box) return;
    const all = ticks();
    const [from, to] = [all.indexOf(lastTick), all.indexOf(box)];
    if (event.shiftKey && from >= 0) {
      for (const other of all.slice(Math.min(from, to), Math.max(from, to) + 1)) other.checked = box.checked;
    }
    lastTick = box;
    tell();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-tick-all]")) {
      for (const box of ticks()) box.checked = event.target.checked;
    }
    if (event.target.matches?.("#results input")) tell();
    // A field that is filled in on the page for many is one that is to be set.
    const setting = event.target.closest?.(".setting");
    if (setting && !event.target.matches("[name=set]")) setting.querySelector("[name=set]").checked = true;
  });
  document.addEventListener("htmx:after:swap", tell);

  // ── Two panes, and rows ────────────────────────────────────────────────────────────────────
  const made = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  for (const chooser of document.querySelectorAll("[data-chooser]")) {
    const name = chooser.dataset.chooser;
    const chosen = document.getElementById(`${name}-chosen`);
    // All that the search shows, and nothing else.
    const all = made("button", { type: "button", className: "quiet", textContent: "Choose all shown" });
    all.addEventListener("click", () => {
      const boxes = chooser.querySelectorAll(`#${CSS.escape(name)}-candidates input[type=checkbox]:not(:checked)`);
      for (const box of boxes) box.click();
      all.focus();
    });
    chooser.querySelector(".pane").append(all);
    // A filter among the chosen ones, which says how many it hides.
    const filter = made("input", { type: "search", placeholder: "Filter", autocomplete: "off" });
    filter.setAttribute("aria-label", "Filter what is chosen");
    const hidden = made("button", { type: "button", className: "quiet" });
    hidden.setAttribute("aria-live", "polite");
    const sift = () => {
      const words = plain(filter.value).split(/\s+/).filter(Boolean);
      let count = 0;
      for (const item of chosen.children) {
        item.hidden = !words.every((word) => plain(item.textContent).includes(word));
        if (item.hidden) count += 1;
      }
      hidden.textContent = count ? `${count} chosen not shown: show all` : "";
      hidden.hidden = count === 0;
    };
    filter.addEventListener("input", sift);
    hidden.addEventListener("click", () => { filter.value = ""; sift(); filter.focus(); });
    chosen.before(filter);
    chosen.after(hidden);
    sift();
  }
  document.addEventListener("keydown", (event) => {
    // Enter takes an object over, as Space does, and in a search it searches: it does not save.
    if (event.key === "Enter" && event.target.matches?.("[data-chooser] input")) {
      event.preventDefault();
      if (event.target.type === "checkbox") event.target.click();
    }
  });
  const removable = () => {
    for (const row of document.querySelectorAll(".new-row:not(:has(button))")) {
      const remove = made("button", { type: "button", className: "quiet", textContent: "×" });
      remove.setAttribute("aria-label", "Remove this row");
      remove.addEventListener("click", () => {
        const next = row.nextElementSibling ?? row.previousElementSibling;
        row.remove();
        (next?.querySelector("input") ?? document.querySelector("button[data-row]"))?.focus();
      });
      row.append(remove);
    }
  };
  removable();
  document.addEventListener("htmx:after:swap", removable);

  const enter = (form) => form.closest("tr").querySelector("td input:not([type=checkbox])")?.focus();

  // ── A word before typed text is lost ───────────────────────────────────────────────────────
  // (What one searches by is no part of it, nor is a row that was added and left empty.)
  const state = (form) => [...new FormData(form)]
    .filter(([name, value]) => value && form.elements[name]?.type !== "search")
    .map(String).sort().join("\n");
  const first = new WeakMap();
  // A form that came back with errors, or from elsewhere, was not saved, although nobody typed since.
  const isUnsaved = (form) =>
    first.get(form) !== state(form) || form.closest("main")?.querySelector("#problems, #restored");
  const guarded = () => [...document.querySelectorAll("form[data-guard]")];
  const remember = () => {
    for (const form of guarded()) if (!first.has(form)) first.set(form, state(form));
  };
  remember();
  document.addEventListener("htmx:after:swap", remember);
  let leaving = false;
  document.addEventListener("submit", (event) => {
    // What a script sends leaves nothing.
    if (event.defaultPrevented) return;
    // What is sent is not lost; what stands in another form would be.
    leaving = guarded().every((form) => form === event.target || first.get(form) === state(form));
  });
  // Nor is it lost by a swap: a search, another order or the next page where a row is edited.
  document.addEventListener("htmx:before:request", (event) => {
    const { target } = event.detail.ctx;
    const row = document.querySelector("tr form[data-guard]");
    if (!row || !target?.contains(row) || event.target.matches?.("[data-cancel]") || !isUnsaved(row)) return;
    if (confirm("The row that you are editing is not saved. Go on without it?")) return;
    event.preventDefault();
    enter(row);
  });
  let cancelled = null;
  document.addEventListener("click", (event) => {
    cancelled = event.target.closest?.("[data-cancel]")?.closest("tr").id ?? null;
  });
  document.addEventListener("htmx:after:swap", () => {
    if (cancelled) document.getElementById(cancelled)?.querySelector("a.row")?.focus();
    cancelled = null;
  });
  addEventListener("pageshow", () => { leaving = false; });
  addEventListener("beforeunload", (event) => {
    if (!leaving && guarded().some(isUnsaved)) event.preventDefault();
  });

  // ── Related objects in a dialog ────────────────────────────────────────────────────────────
  // What is read is a page of this site; markup in it is markup, and its scripts never run.
  const policy = window.trustedTypes?.createPolicy("staff", { createHTML: (text) => text });
  const read = async (address, options) => {
    const answer = await fetch(address, options).catch(() => null);
    if (!answer) return say("The site does not answer: is the network there? Nothing is lost; try again.");
    const text = await answer.text();
    return new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
  };
  let dialog = null;
  let opener = null;
  const mayClose = () => ![...dialog.querySelectorAll("form[data-guard]")].some(isUnsaved) ||
    confirm("What you typed here is not saved. Close it nevertheless?");
  const say = (text) => {
    const message = made("p", { className: "message refused", textContent: text });
    message.setAttribute("role", "alert");
    (dialog?.open ? dialog : document.getElementById("messages")).prepend(message);
  };
  const showAnswer = async (...asked) => {
    const page = await read(...asked);
    if (page) show(page);
  };
  const show = (page) => {
    const main = document.adoptNode(page.querySelector("main"));
    const picked = main.dataset.picked;
    if (picked !== undefined) return take(main.dataset.into, picked);
    main.removeAttribute("id");
    for (const link of main.querySelectorAll(".trail, .links, .actions a")) link.remove();
    const close = made("button", { type: "button", className: "quiet close", textContent: "Close" });
    close.addEventListener("click", () => { if (mayClose()) dialog.close(); });
    dialog.replaceChildren(close, main);
    remember();
    window.htmx?.process(dialog);
    if (!dialog.open) dialog.showModal();
    (dialog.querySelector("#problems") ?? dialog.querySelector("input:not([type=hidden])"))?.focus();
  };
  const take = (into, text) => {
    const fields = [...document.querySelectorAll(`form.edit [name="${CSS.escape(into)}"]`)]
      .filter((field) => !dialog.contains(field));
    const field = fields.find((field) => fields.length === 1 || !field.value) ?? fields.at(-1);
    if (field) opener = field;
    dialog.close();
    if (!field) return;
    field.value = text;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
  };
  const addressOf = async (button, field) => {
    const [name, wish] = button.value.split(":");
    const kind = button.dataset.kind;
    if (wish === "add") return `/admin/${kind}/add/?_into=${name}&_dialog=1`;
    const typed = field?.value.trim();
    if (!typed) return null;
    const found = await read(`/admin/${kind}/suggestions/?name=q&only=1&q=${encodeURIComponent(typed)}`);
    if (!found) return undefined;
    const option = found.querySelector("li[data-id]");
    return option ? `/admin/${kind}/${option.dataset.id}/change/?_into=${name}&_dialog=1` : null;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-related]");
    if (!button || !window.HTMLDialogElement) return;
    event.preventDefault();
    opener = button;
    const name = button.value.split(":")[0];
    const field = document.getElementById(name);
    const address = await addressOf(button, field);
    if (address === undefined) return;
    if (!address) {
      say("To open it, write which one you mean, as the suggestions call it.");
      return field?.focus();
    }
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.setAttribute("aria-label", "Related object");
      dialog.addEventListener("cancel", (event) => { if (!mayClose()) event.preventDefault(); });
      dialog.addEventListener("close", () => { dialog.replaceChildren(); opener?.focus(); });
      document.body.append(dialog);
    }
    await showAnswer(address);
  });
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!dialog?.contains(form)) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    await showAnswer(form.getAttribute("action"), { method: "POST", body });
  }, true);

  // ── Keys ───────────────────────────────────────────────────────────────────────────────────
  const rows = () => [...document.querySelectorAll("tr[data-row-id]")];
  const current = () => document.querySelector("tr.at");
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    const row = all[Math.max(0, Math.min(all.length - 1, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
    current()?.classList.remove("at");
    row.classList.add("at");
    row.querySelector("a.row")?.focus();
    row.scrollIntoView({ block: "nearest" });
  };
  const acts = {
    "/": ["Search", () => document.getElementById("q")?.focus(), "#q"],
    j: ["Next row", () => move(1), "tr[data-row-id]"],
    k: ["Row before", () => move(-1), "tr[data-row-id]"],
    x: ["Tick the row", () => current()?.querySelector("input[name=id]")?.click(), "input[name=id]"],
    e: ["Edit the row here", () => current()?.querySelector("[data-edit]")?.click(), "[data-edit]"],
  };
  const keyed = () => [...document.querySelectorAll("[data-key]")];
  const going = () => [...document.querySelectorAll("[data-go]")];
  const help = () => {
    const box = document.createElement("dialog");
    box.className = "keys";
    box.setAttribute("aria-labelledby", "keys-title");
    const title = document.createElement("h2");
    title.id = "keys-title";
    title.textContent = "Keys on this page";
    const list = document.createElement("dl");
    const add = (key, text) => {
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
      for (const part of key.split(" ")) {
        const kbd = document.createElement("kbd");
        kbd.textContent = part;
        dt.append(kbd);
      }
      dd.textContent = text;
      list.append(dt, dd);
    };
    add("?", "These keys");
    for (const [key, [text, , needs]] of Object.entries(acts)) if (document.querySelector(needs)) add(key, text);
    for (const element of keyed()) add(element.dataset.key, element.textContent.trim());
    if (document.querySelector("form.edit [name=_save]")) add("Ctrl s", "Save");
    for (const link of going()) add(`g ${link.dataset.go}`, `Go to ${link.textContent.trim()}`);
    const close = document.createElement("button");
    close.textContent = "Close";
    close.addEventListener("click", () => box.close());
    box.append(title, list, close);
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
  };
  let go = -Infinity;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      const button = document.querySelector("form.edit button.main[name=_save]");
      if (!button || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      button.click();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape" && event.target.id === "q") {
        // Out of the box, with what is in it: the keys of the list are the next ones.
        event.preventDefault();
        event.target.blur();
      }
      const cancel = event.key === "Escape" && event.target.closest("tr")?.querySelector("[data-cancel]");
      if (cancel) cancel.click();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    const run = (act) => { event.preventDefault(); act(); };
    if (event.timeStamp - go < 1500) {
      go = -Infinity;
      const link = going().find((link) => link.dataset.go === event.key);
      if (link) return run(() => link.click());
    }
    if (event.key === "g" && going().length) { go = event.timeStamp; return; }
    if (event.key === "?") return run(help);
    const act = acts[event.key];
    if (act && document.querySelector(act[2])) return run(act[1]);
    const element = keyed().find((element) => element.dataset.key === event.key);
    if (element) run(() => element.click());
  });
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest?.("tr[data-row-id]");
    if (row && row !== current()) {
      current()?.classList.remove("at");
      row.classList.add("at");
    }
  });

  // One row at a time: what is typed in one is not lost for another.
  document.addEventListener("click", (event) => {
    const open = event.target.closest?.("[data-edit]") && document.querySelector("tr form[data-guard]");
    if (!open) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    enter(open);
  }, true);

  // ── Focus goes on where it was ─────────────────────────────────────────────────────────────
  const enterEdited = () => {
    const form = document.querySelector("tr[data-row-id] form[data-guard]");
    if (form) enter(form);
  };
  document.addEventListener("htmx:after:swap", enterEdited);
  // (When the browser itself has gone to the row.)
  addEventListener("pageshow", () => {
    if (!location.hash.startsWith("#row-")) return;
    const row = document.getElementById(location.hash.slice(1));
    setTimeout(() => (row?.querySelector("form[data-guard]") ? null : row?.querySelector("a.row")?.focus()));
  });
  enterEdited();
})();
