"use strict";
// Searching, opening and following links. The page can be read without it: what needs it is shown by the class `script`.
(() => {
  const root = document.documentElement;
  root.classList.add("script");
  const query = document.getElementById("query");
  const found = document.getElementById("found");
  const resources = [...document.querySelectorAll("details.resource")];
  const verdicts = [...document.querySelectorAll("li.verdict")];
  const stacks = [...document.querySelectorAll("section.stack")];
  let index = null;
  let openBefore = null;

  const folded = (text) => text.toLowerCase();
  const has = (text, words) => words.every((word) => text.includes(word));
  const counted = (count, one, more) => `${count} ${count === 1 ? one : more}`;

  function makeIndex() {
    return resources.map((resource) => ({
      resource,
      head: folded(resource.querySelector("summary").textContent + " " + resource.querySelector(".urn").textContent),
      properties: [...resource.querySelectorAll("li.property")].map((row) => ({ row, text: folded(row.textContent) })),
    }));
  }

  function showAll() {
    for (const each of document.querySelectorAll("[data-find], section.stack")) each.hidden = false;
    if (openBefore) for (const [details, wasOpen] of openBefore) details.open = wasOpen;
    openBefore = null;
    found.textContent = "";
    if (CSS.highlights) CSS.highlights.delete("found");
    document.dispatchEvent(new CustomEvent("searched", { detail: [] }));
  }

  function search() {
    const words = folded(query.value).split(/\s+/).filter(Boolean);
    if (!words.length) return showAll();
    index ||= makeIndex();
    openBefore ||= [...document.querySelectorAll("details")].map((details) => [details, details.open]);
    const count = { resources: 0, properties: 0, verdicts: 0 };
    for (const { resource, head, properties } of index) {
      const isNamed = has(head, words);
      let matching = 0;
      for (const { row, text } of properties) {
        const matches = has(text, words) || has(head + " " + text, words);
        row.hidden = !matches;
        if (matches && !isNamed) matching += 1;
      }
      resource.hidden = !isNamed && !matching;
      resource.open = matching > 0;
      for (const details of resource.querySelectorAll("details")) details.open = has(folded(details.textContent), words);
      count.resources += !resource.hidden;
      count.properties += matching;
    }
    for (const verdict of verdicts) {
      verdict.hidden = !has(folded(verdict.textContent), words);
      count.verdicts += !verdict.hidden;
    }
    for (const details of document.querySelectorAll("details.verdicts")) {
      details.open = details.querySelector("li.verdict:not([hidden])") !== null;
    }
    for (const stack of stacks) stack.hidden = !stack.querySelector("[data-find]:not([hidden])");
    const parts = [counted(count.resources, "resource", "resources"), counted(count.verdicts, "verdict", "verdicts")];
    if (count.properties) parts.splice(1, 0, counted(count.properties, "property", "properties"));
    found.textContent = count.resources + count.verdicts ? `Found: ${parts.join(", ")}.` : "Nothing found.";
    highlight(words);
    document.dispatchEvent(new CustomEvent("searched", { detail: words }));
  }

  function highlight(words) {
    if (!CSS.highlights) return;
    const ranges = [];
    for (const item of document.querySelectorAll("details.resource:not([hidden]), li.verdict:not([hidden])")) {
      const walker = document.createTreeWalker(item, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node && ranges.length < 2000; node = walker.nextNode()) {
        const text = folded(node.data);
        if (text.length !== node.data.length) continue;
        for (const word of words) {
          for (let at = text.indexOf(word); at >= 0 && ranges.length < 2000; at = text.indexOf(word, at + word.length)) {
            const range = new Range();
            range.setStart(node, at);
            range.setEnd(node, at + word.length);
            ranges.push(range);
          }
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  // Open what an address names, also where it is hidden by a search, and put the keyboard there.
  function show(id) {
    const target = document.getElementById(id);
    if (!target) return;
    if (target.closest("[hidden]")) clear();
    for (let each = target; each; each = each.parentElement) if (each.matches("details")) each.open = true;
    target.scrollIntoView({ block: "start" });
    const summary = target.matches("details") ? target.firstElementChild : null;
    if (summary) summary.focus({ preventScroll: true });
  }

  function clear() {
    query.value = "";
    showAll();
  }

  query.addEventListener("input", search);
  document.getElementById("search").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isText = event.target.matches("input:not([type=radio]), textarea, select");
    if (event.key === "/" && !isText) {
      event.preventDefault();
      query.focus();
      query.select();
    } else if (event.key === "Escape" && query.value) {
      event.preventDefault();
      clear();
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-open], [data-close]");
    if (button) {
      const stack = document.getElementById(button.dataset.open || button.dataset.close);
      for (const each of stack.querySelectorAll("details.resource")) each.open = "open" in button.dataset;
    }
    const link = event.target.closest("main a[href^='#']");
    if (link && !link.closest("svg")) requestAnimationFrame(() => show(link.getAttribute("href").slice(1)));
  });
  addEventListener("beforeprint", () => {
    openBefore ||= [...document.querySelectorAll("details")].map((details) => [details, details.open]);
    for (const each of document.querySelectorAll("details:not(.whole)")) each.open = true;
  });
  addEventListener("afterprint", () => {
    if (query.value) return search();
    if (openBefore) for (const [details, wasOpen] of openBefore) details.open = wasOpen;
    openBefore = null;
  });
  document.addEventListener("show", (event) => show(event.detail));
  if (location.hash) show(location.hash.slice(1));
})();
