// Filter, sort, search and keys of a page of many checks. Without it all checks stand there, in order.
(() => {
  const $ = (id) => document.getElementById(id);
  const list = $("checks"), search = $("search"), checks = [...list.children];
  const only = [...document.querySelectorAll("[data-only]")];
  const sorts = [...document.querySelectorAll("[data-sort][type]")];
  const keys = ["verdict", "resolution", "evaluations", "seconds"];
  const numbers = new Map(checks.map((check) => [check, check.dataset.sort.split(" ").map(Number)]));
  const names = new Intl.Collator("en", { numeric: true });
  const words = new Map();  // of each check, once it is searched
  const summary = (check) => check.firstElementChild;
  const shown = () => [...list.children].filter((check) => !check.hidden);

  // What is folded is no more than text, which a browser reads in no time, until it is unfolded.
  const unread = (check) => check.querySelector("noscript");
  const read = (check) => { const body = unread(check); if (body) body.outerHTML = body.textContent; };
  list.addEventListener("toggle", (event) => read(event.target), true);

  const plain = { "&lt;": "<", "&gt;": ">", "&#39;": "'", "&#34;": '"', "&amp;": "&" };
  const wordsOf = (check) => {
    if (!words.has(check)) {
      const text = check.textContent.replace(/<[^>]*>/g, unread(check) ? " " : "$&");
      words.set(check, text.replace(/&(lt|gt|#39|#34|amp);/g, (each) => plain[each]).toLowerCase());
    }
    return words.get(check);
  };

  const matches = (check, key) =>
    !key || (key === "problem" ? "problem" in check.dataset : check.classList.contains("is-" + key));

  function filter() {
    const key = only.find((button) => button.ariaPressed === "true").dataset.only;
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const check of checks) {
      check.hidden = !(matches(check, key) && wanted.every((word) => wordsOf(check).includes(word)));
      count += !check.hidden;
    }
    $("told").textContent = count === checks.length ? "" : `${count} of ${checks.length} shown`;
    $("none").hidden = count > 0;
  }

  function press(button) {
    for (const other of only) other.ariaPressed = String(other === button);
    filter();
  }

  function sort(button) {
    const head = button.parentElement, kind = button.dataset.sort;
    // the first click brings what needs a look: failures, the dullest, the dearest; names from A
    const down = head.ariaSort ? head.ariaSort === "ascending" : kind !== "name";
    for (const other of sorts) other.parentElement.removeAttribute("aria-sort");
    head.ariaSort = down ? "descending" : "ascending";
    const at = keys.indexOf(kind), name = (check) => summary(check).firstElementChild.textContent;
    const order = (a, b) => (at < 0 ? names.compare(name(a), name(b)) : numbers.get(a)[at] - numbers.get(b)[at]);
    list.append(...checks.toSorted((a, b) => (down ? order(b, a) : order(a, b))));
  }

  function step(by) {
    const rows = shown(), at = rows.findIndex((check) => check.contains(document.activeElement));
    const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
    if (next) summary(next).focus();
  }

  // a link to what is folded, or filtered away, shows it
  function reveal() {
    const id = decodeURIComponent(location.hash.slice(1));
    const check = checks.find((check) => `${id}-`.startsWith(`${check.id}-`));
    if (!check) return;
    read(check);
    if (check.hidden) { search.value = ""; press(only[0]); }
    check.open = true;
    ($(id) || check).scrollIntoView();
  }

  const on = {
    "/": () => { search.focus(); search.select(); },
    f: () => {
      const failing = only.find((button) => button.dataset.only === "fail");
      if (failing) press(failing.ariaPressed === "true" ? only[0] : failing);
    },
    j: () => step(1),
    k: () => step(-1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.target === search) {
      if (event.key === "Escape") { search.value = ""; filter(); search.blur(); }
      if (event.key === "Enter") { event.preventDefault(); step(1); }
    } else if (on[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      on[event.key]();
    }
  });

  // paper cannot be unfolded
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = shown().filter((check) => !check.open);
    for (const check of unfolded) { read(check); check.open = true; }
  });
  addEventListener("afterprint", () => { for (const check of unfolded) check.open = false; });

  search.addEventListener("input", filter);
  $("tools").addEventListener("submit", (event) => event.preventDefault());
  for (const button of only) button.addEventListener("click", () => press(button));
  for (const button of sorts) button.addEventListener("click", () => sort(button));
  addEventListener("hashchange", reveal);
  $("tools").hidden = false;
  for (const check of checks) if (check.open) read(check);
  filter();
  reveal();
})();
