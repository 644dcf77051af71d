"use strict";
// The page's own script. Data is read from script elements that browsers do not run, and reaches the
// page as text nodes only.
(() => {
  const $ = (id) => document.getElementById(id);
  const ROW = 62; // height of a row of the list, pixels; as in the style sheet
  const USD = 1e12; // pico-USD
  const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

  const visible = (text) =>
    text.replace(HIDDEN, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

  function el(name, look, ...children) {
    const node = document.createElement(name);
    if (look) node.className = look;
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === "") continue;
      node.append(child instanceof Node ? child : document.createTextNode(visible(String(child))));
    }
    return node;
  }

  const number = (value, digits = 2) =>
    typeof value === "number" && Number.isFinite(value)
      ? value.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−")
      : "–";
  const signed = (value, digits = 2) => (value > 0 ? "+" : "") + number(value, digits);
  const usd = (pico) => number(pico / USD, 5) + " USD";

  // ---- light and dark -------------------------------------------------------------------------
  const themes = ["auto", "light", "dark"];
  function theme(name) {
    document.documentElement.dataset.theme = name;
    $("theme").textContent = "Theme: " + name;
    try {
      localStorage.setItem("gtalign-theme", name);
    } catch {
      // a page from a file may have no storage; the choice then lasts as long as the page
    }
  }
  function nextTheme() {
    const now = document.documentElement.dataset.theme || "auto";
    theme(themes[(themes.indexOf(now) + 1) % themes.length]);
  }
  let kept = null;
  try {
    kept = localStorage.getItem("gtalign-theme");
  } catch {
    kept = null;
  }
  theme(themes.includes(kept) ? kept : "auto");
  $("theme").addEventListener("click", nextTheme);

  // how much of the window the head covers: what is jumped to begins below it
  const head = document.querySelector("body > header");
  new ResizeObserver(() =>
    document.documentElement.style.setProperty("--head", head.offsetHeight + "px"),
  ).observe(head);

  const help = $("help");
  $("help-button").addEventListener("click", () => help.showModal());

  // what is folded is printed open
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details.fold:not([open])")];
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
  });

  // ---- conversations --------------------------------------------------------------------------
  const data = $("index") ? JSON.parse($("index").textContent) : null;
  const RUN = 0, KEY = 1, REGIME = 2, PERSONA = 3, ENDING = 4, FAULT = 5, MOVES = 6, SIGNS = 7;
  const WELFARE = 8, PREVIEW = 9;
  const rows = data ? data.rows : [];
  let shown = rows.map((_, i) => i);
  let chosen = -1; // index into rows
  let texts = null; // what was said, lower case, by conversation; read when it is searched for
  let raw = false;

  const chunks = new Map();
  function chunk(number) {
    if (!chunks.has(number)) chunks.set(number, unpack($("chunk-" + number).textContent));
    return chunks.get(number);
  }
  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }
  const record = async (i) => (await chunk(Math.floor(i / data.chunk)))[i % data.chunk];

  // ---- filters ----
  const pick = {
    run: (row) => [data.runs[row[RUN]].name],
    regime: (row) => [row[REGIME]],
    persona: (row) => [row[PERSONA]],
    ending: (row) => [row[ENDING]],
    fault: (row) => [row[FAULT] || "none"],
    move: (row) => row[MOVES],
    sign: (row) => row[SIGNS],
    welfare: (row) => [quarter(row[WELFARE][2])],
  };
  const known = rows.map((row) => row[WELFARE][2]).filter((w) => w !== null).sort((a, b) => a - b);
  const cuts = [0.25, 0.5, 0.75].map((q) => known[Math.floor(q * known.length)]);
  function quarter(w) {
    if (w === null) return "none (failed)";
    const k = cuts.filter((cut) => w >= cut).length;
    return [
      `lowest quarter, below ${number(cuts[0])}`,
      `second quarter, ${number(cuts[0])} to ${number(cuts[1])}`,
      `third quarter, ${number(cuts[1])} to ${number(cuts[2])}`,
      `highest quarter, from ${number(cuts[2])}`,
    ][k];
  }

  function offer() {
    for (const [name, of] of Object.entries(pick)) {
      const counts = new Map();
      for (const row of rows) for (const value of of(row)) counts.set(value, (counts.get(value) || 0) + 1);
      const select = $("filter-" + name);
      const names = [...counts.keys()].sort((a, b) => a.localeCompare(b));
      if (names.length < 2 && !(name === "sign" && names.length === 1)) select.parentElement.hidden = true;
      const all = el("option", "", "all");
      all.value = "";
      select.append(all);
      names.forEach((value, k) => {
        const option = el("option", "", `${value} (${counts.get(value).toLocaleString("en")})`);
        option.value = "v" + k;
        option.dataset.value = value;
        select.append(option);
      });
      select.addEventListener("change", filter);
    }
  }

  async function filter() {
    const wanted = [];
    for (const [name, of] of Object.entries(pick)) {
      const select = $("filter-" + name);
      const option = select.selectedOptions[0];
      if (option && option.value) wanted.push((row) => of(row).includes(option.dataset.value));
    }
    const words = $("search").value.trim().toLowerCase();
    if (words && texts === null) {
      $("found").textContent = "reading all conversations…";
      await readAll();
    }
    if (words !== $("search").value.trim().toLowerCase()) return; // something newer is searched for
    shown = [];
    rows.forEach((row, i) => {
      if (wanted.every((holds) => holds(row)) && (!words || texts[i].includes(words))) shown.push(i);
    });
    order();
    const of = rows.length.toLocaleString("en");
    $("found").textContent = `${shown.length.toLocaleString("en")} of ${of} conversations`;
    $("list").scrollTop = 0;
    draw();
    if (!shown.includes(chosen)) await choose(shown.length ? shown[0] : -1, false);
  }
  function order() {
    const by = $("sort").value;
    if (!by) return;
    const [side, down] = { w: [2, 1], W: [2, -1], u: [0, 1], l: [1, 1] }[by];
    const worth = (i) => rows[i][WELFARE][side] ?? Infinity; // failed ones last either way
    shown.sort((a, b) => (worth(a) === Infinity) - (worth(b) === Infinity) || down * (worth(a) - worth(b)) || a - b);
  }
  async function readAll() {
    const found = [];
    for (let k = 0; k * data.chunk < rows.length; k++) {
      for (const one of await chunk(k)) {
        found.push(one.turns.map((turn) => `${turn.text || ""}\n${turn.written || ""}`).join("\n").toLowerCase());
      }
    }
    texts = found;
  }
  function clear() {
    $("search").value = "";
    for (const name of Object.keys(pick)) $("filter-" + name).value = "";
    $("sort").value = "";
    return filter();
  }

  // ---- the list: only what is seen is in the page ----
  function draw() {
    const list = $("list");
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
    const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW) + 8);
    const inner = $("rows");
    inner.style.height = shown.length * ROW + "px";
    inner.replaceChildren();
    for (let at = first; at < last; at++) inner.append(line(at));
    if (!shown.length) inner.append(el("p", "empty", "No conversation is like that."));
    const place = shown.indexOf(chosen);
    if (place >= first && place < last) list.setAttribute("aria-activedescendant", "row-" + place);
    else list.removeAttribute("aria-activedescendant");
  }
  function line(at) {
    const row = rows[shown[at]];
    const w = row[WELFARE][2];
    const several = data.runs.length > 1 ? data.runs[row[RUN]].name + " " : "";
    const node = el(
      "div",
      "row",
      el(
        "div",
        "row-top",
        el("b", "", several + row[KEY]),
        el("span", "row-w", w === null ? "" : "W " + number(w)),
      ),
      el(
        "div",
        "row-text",
        el("span", "chip " + (row[FAULT] ? "bad" : ending(row[ENDING])), row[FAULT] || row[ENDING]),
        el("span", "row-said", row[PREVIEW]),
      ),
    );
    node.id = "row-" + at;
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", String(shown[at] === chosen));
    node.setAttribute("aria-posinset", String(at + 1));
    node.setAttribute("aria-setsize", String(shown.length));
    node.style.top = at * ROW + "px";
    node.addEventListener("click", () => choose(shown[at], true, true));
    return node;
  }
  const ending = (name) => ({ accepted: "e0", left: "e1", broke: "e2", truncated: "e3" })[name] || "";

  function reveal() {
    const list = $("list");
    const at = shown.indexOf(chosen) * ROW;
    if (at < 0) return;
    if (at < list.scrollTop) list.scrollTop = at;
    else if (at + ROW > list.scrollTop + list.clientHeight) list.scrollTop = at + ROW - list.clientHeight;
  }

  async function choose(i, link, clicked) {
    chosen = i;
    reveal();
    draw();
    const talk = $("talk");
    if (i < 0) {
      talk.replaceChildren();
      return;
    }
    const row = rows[i];
    if (link) {
      const at = new URLSearchParams({ run: data.runs[row[RUN]].name, episode: row[KEY] });
      history.replaceState(null, "", "#" + at);
    }
    const one = await record(i);
    if (chosen !== i) return;
    talk.replaceChildren(...conversation(row, one));
    talk.scrollTop = 0;
    if (clicked && innerWidth < 860) talk.scrollIntoView({ block: "start" });
  }
  function step(by) {
    if (!shown.length) return;
    const at = shown.indexOf(chosen);
    const next = at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + by));
    choose(shown[next], true);
  }

  // ---- one conversation ----
  function conversation(row, one) {
    const [u, l, w] = one.welfare;
    const previous = button("‹ previous", () => step(-1));
    const next = button("next ›", () => step(1));
    const head = el(
      "header",
      "talk-head",
      el("div", "talk-title", el("h3", "", `${data.runs[row[RUN]].name}, conversation ${row[KEY]}`), el("span", "moves", previous, next)),
      el(
        "div",
        "talk-facts",
        ...(one.charged === null ? [] : [ // an answer to a row is no conversation with welfares
          fact("user’s U", number(u, 3), "user"),
          fact("assistant’s L", number(l, 3), "assistant"),
          fact("joint W", w === null ? "none" : number(w, 3), "joint"),
          fact("bill", usd(one.charged)),
          fact("provider’s cost", usd(one.cost)),
        ]),
        fact("price", one.regime),
        fact("ended", one.fault ? "by a fault" : one.ending),
      ),
    );
    const out = [head];
    if (one.fault) {
      const { kind, seat, attempts, message } = one.fault;
      out.push(el("p", "warn", el("b", "", "Fault: "), `${kind}, in the ${seat}’s seat, after ${attempts} tries. `, message));
    }
    let user = 0, assistant = 0, bill = 0;
    const turns = one.turns.map((turn, k) => {
      const [du, dl] = turn.rewards || [0, 0];
      user += du;
      assistant += dl;
      bill += turn.charge || 0;
      return spoken(turn, one.beside[k] || {}, one, row, { du, dl, user, assistant, bill });
    });
    out.push(turns.length ? el("ol", "turns", turns) : el("p", "note", "The turns of this conversation are not on record."));
    out.push(latent(one));
    const more = unknown(one.end, END_KNOWN);
    if (more) out.push(fold("More of this conversation", more));
    const text = el("pre", "raw", JSON.stringify(one, null, 1));
    const rawFold = fold("Raw JSON", text);
    rawFold.id = "raw";
    rawFold.open = raw;
    rawFold.addEventListener("toggle", () => (raw = rawFold.open));
    out.push(rawFold);
    return out;
  }
  const fact = (name, value, look = "") => el("div", "fact", el("span", "fact-name", name), el("span", look, value));
  function button(name, act) {
    const node = el("button", "", name);
    node.type = "button";
    node.addEventListener("click", act);
    return node;
  }
  const fold = (name, ...inner) => el("details", "fold", el("summary", "", name), inner);

  const TURN_KNOWN = new Set(["v", "episode", "turn", "seat", "move", "text", "written", "charge", "rewards", "labels", "calls", "steered"]);
  const END_KNOWN = new Set(["v", "episode", "turns", "regime", "persona", "ending", "welfare", "cost", "output", "reasoning", "fault", "words", "scenario", "digest", "seed", "returns", "charged", "user", "assistant", "user_moves", "assistant_moves"]);

  function spoken(turn, beside, one, row, now) {
    const seat = turn.seat === "user" ? "user" : "assistant";
    const labels = (turn.labels || []).map((label) => el("span", "chip bad", label));
    if (beside.broken) labels.push(el("span", "chip bad", `blocks broken: ${beside.broken.rule} at ${beside.broken.offset}`));
    const node = el(
      "li",
      "turn " + seat,
      el("div", "turn-head", el("b", seat, turn.seat), el("span", "chip move", turn.move), labels),
    );
    if (turn.text) {
      const said = el("p", "text", turn.text);
      said.dir = "auto";
      node.append(said);
    }
    if (beside.blocks) node.append(...blocks(beside.blocks, one, row, turn.steered));
    else if (turn.written && turn.written !== turn.text) node.append(fold("As written", el("pre", "", turn.written)));
    if (turn.steered) node.append(steering(turn.steered));
    if (beside.usage) {
      const [sent, cached, output, reasoning] = beside.usage;
      node.append(el("p", "tokens", `${sent} tokens in (${cached} cached), ${output} out, ${reasoning} of reasoning`));
    }
    if (turn.calls && turn.calls.length) node.append(calls(turn.calls));
    const more = unknown(turn, TURN_KNOWN);
    if (more) node.append(fold("More of this turn", more));
    if (one.charged !== null) node.append(running(turn, one, now));
    return node;
  }

  function running(turn, one, now) {
    const node = el(
      "div",
      "running",
      el("span", "", "U ", el("b", "user", number(now.user, 3)), el("small", "", ` (${signed(now.du, 3)})`)),
      el("span", "", "L ", el("b", "assistant", number(now.assistant, 3)), el("small", "", ` (${signed(now.dl, 3)})`)),
      el("span", "", "bill ", el("b", "", usd(now.bill)), turn.charge ? el("small", "", ` (+${usd(turn.charge)})`) : ""),
    );
    if (typeof one.budget === "number" && one.budget > 0) {
      const meter = document.createElement("progress");
      meter.max = one.budget;
      meter.value = Math.min(one.budget, now.bill);
      meter.setAttribute("aria-label", "bill as a share of the user’s budget");
      node.append(el("span", "budget", meter, el("small", "", `of ${number(one.budget / USD, 3)} USD `), el("em", "hidden-mark", "latent")));
    }
    return node;
  }

  const cellOf = (payoff) => (key) => [payoff[key].user, payoff[key].LLM];
  function blocks(found, one, row, steered) {
    const exact = (data.runs[row[RUN]].matrices || {})[one.regime];
    // a steered turn holds the edited matrix, the record of steering the one that was written
    const edited = steered && steered.before;
    const pair = el("div", "matrices", matrix("written by the model", cellOf(edited ? steered.before : found.payoff)));
    if (edited) pair.append(matrix("edited by the price", cellOf(found.payoff)));
    if (exact) pair.append(matrix(`exact, under ${one.regime}`, (key) => exact[key]));
    return [
      fold("Thinking", el("pre", "", found.thinking)),
      fold("Payoffs", pair),
      fold("Analyze", el("pre", "", found.analyze)),
      fold("Response", el("pre", "", found.response)),
    ];
  }
  function matrix(title, cell, mark) {
    const head = el("tr", "", el("td"), ["DA", "CQ", "AQ"].map((a) => el("th", "", a)));
    const body = ["VQ", "DQ"].map((u) =>
      el("tr", "", el("th", "", u), ["DA", "CQ", "AQ"].map((a) => {
        const key = `${u}_${a}`;
        const [user, assistant] = cell(key) || [null, null];
        return el("td", mark === key ? "chosen" : "", el("span", "user", number(user)), " / ", el("span", "assistant", number(assistant)));
      })),
    );
    return el("figure", "matrix-small", el("figcaption", "", title), el("table", "", head, body));
  }
  function steering(told) {
    if (!told.steered) {
      const why = told.fault ? `${told.fault.rule} at ${told.fault.offset}` : "no matrix";
      return fold("Steering: not edited", el("p", "", `The written matrix could not be edited (${why}); the turn went on as written.`));
    }
    return fold(
      `Steering: ${told.choice_before} → ${told.choice_after}`,
      el("p", "", `Edited by ${told.why}; cells are chosen by ${told.rule}.`),
      el("div", "matrices", matrix("before", cellOf(told.before), told.choice_before), matrix("after", cellOf(told.after), told.choice_after)),
    );
  }
  function calls(list) {
    const head = el("tr", "", ["model", "in", "cached", "out", "reasoning", "counted by", "ended"].map((h) => el("th", "", h)));
    const body = list.map(([sent, cached, output, reasoning, source, finish, model]) =>
      el("tr", "", [model, sent, cached, output, reasoning, source, finish].map((v) => el("td", "", v ?? "–"))));
    return fold(`Model calls: ${list.length}`, el("div", "scroll", el("table", "", head, body)));
  }
  function latent(one) {
    if (!one.latent) return el("p", "note", `Persona: ${one.persona}.`);
    const rows = Object.entries(one.latent).map(([name, [value, unit]]) => [
      el("dt", "", name.replaceAll("_", " ")),
      el("dd", "", typeof value === "number" ? Number(value.toPrecision(6)) : value, unit ? " " + unit : ""),
    ]);
    return fold(
      `The user: ${one.persona} (latent; never seen by the assistant)`,
      el("p", "note", "Drawn for this conversation from the persona. The assistant sees only the style."),
      el("dl", "facts", rows),
    );
  }
  function unknown(object, known) {
    const rest = Object.entries(object || {}).filter(([key, value]) => !known.has(key) && value !== null);
    return rest.length ? plain(Object.fromEntries(rest)) : null;
  }
  function plain(value) {
    if (value === null || typeof value !== "object") return el("span", "", String(value));
    if (Array.isArray(value) && value.every((v) => v === null || typeof v !== "object")) return el("span", "", value.join(", "));
    return el("dl", "facts", Object.entries(value).map(([key, v]) => [el("dt", "", key.replaceAll("_", " ")), el("dd", "", plain(v))]));
  }

  // ---- keys and links ----
  function follow() {
    const at = new URLSearchParams(location.hash.slice(1));
    if (!at.has("episode")) return false;
    const run = at.get("run");
    const i = rows.findIndex((row) => row[KEY] === at.get("episode") && (run === null || data.runs[row[RUN]].name === run));
    if (i < 0) return false;
    (shown.includes(i) ? Promise.resolve() : clear())
      .then(() => choose(i, false))
      .then(() => $(innerWidth < 860 ? "talk" : "conversations").scrollIntoView());
    return true;
  }

  const typing = (node) => node.matches("input, select, textarea, [contenteditable]");
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.key === "Escape") {
      if (data && $("search").value) {
        $("search").value = "";
        filter();
      }
      document.activeElement.blur();
      return;
    }
    if (typing(event.target)) return;
    const inReader = data && $("reader").contains(event.target);
    const act = {
      "?": () => help.showModal(),
      t: nextTheme,
      ...(data && {
        j: () => step(1),
        k: () => step(-1),
        "/": () => $("search").focus(),
        e: () => {
          const all = [...$("talk").querySelectorAll(".turns details")];
          const open = all.some((one) => !one.open);
          for (const one of all) one.open = open;
        },
        r: () => {
          const fold = $("raw");
          if (fold) fold.open = !fold.open;
        },
      }),
      ...(inReader && { ArrowDown: () => step(1), ArrowUp: () => step(-1), Home: () => step(-rows.length), End: () => step(rows.length) }),
    }[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });

  if (data) {
    offer();
    let waiting = 0;
    $("search").addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(filter, 150);
    });
    $("sort").addEventListener("change", filter);
    $("clear").addEventListener("click", clear);
    $("list").addEventListener("scroll", () => requestAnimationFrame(draw));
    addEventListener("resize", draw);
    addEventListener("hashchange", follow);
    draw();
    if (!follow()) choose(shown.length ? shown[0] : -1, false);
  }
  document.documentElement.dataset.ready = "yes";
})();
