"use strict";
/* Patches a living DOM tree towards new HTML, so that toggles, swipes and focus survive a redraw.

   Children with `data-key` are matched by it, others by place and tag. Classes that Framework7 adds while running
   are kept: only those that came from the previous HTML are taken away. Inputs keep what was typed. */
const Morph = (() => {
  const written = new WeakMap();

  function classes(element) {
    return new Set((element.getAttribute("class") || "").split(/\s+/).filter(Boolean));
  }

  function remember(root) {
    for (const element of [root, ...root.querySelectorAll("*")]) written.set(element, classes(element));
  }

  function patchAttributes(old, fresh) {
    for (const { name, value } of fresh.attributes) {
      if (name !== "class" && name !== "value" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    if (old.tagName === "INPUT" && old.type === "checkbox") old.checked = fresh.hasAttribute("checked");
    const wanted = classes(fresh);
    // A class list written anew is a mutation, and a picture, even when it stays the same.
    for (const name of written.get(old) || []) if (!wanted.has(name)) old.classList.remove(name);
    for (const name of wanted) if (!old.classList.contains(name)) old.classList.add(name);
    written.set(old, wanted);
  }

  function same(a, b) {
    return a && a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.dataset?.key === b.dataset?.key;
  }

  function patch(old, fresh) {
    if (old.nodeType === Node.TEXT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    if (fresh.hasAttribute("data-keep") && old.dataset.keep === fresh.dataset.keep) return;
    patchAttributes(old, fresh);
    if (old.tagName !== "TEXTAREA") patchChildren(old, fresh);
  }

  function patchChildren(old, fresh) {
    const keyed = new Map([...old.children].filter((e) => e.dataset.key).map((e) => [e.dataset.key, e]));
    let cursor = old.firstChild;
    for (const child of [...fresh.childNodes]) {
      const key = child.dataset?.key;
      const match = key ? keyed.get(key) : same(cursor, child) ? cursor : null;
      if (match) {
        if (match !== cursor) old.insertBefore(match, cursor);
        else cursor = cursor.nextSibling;
        patch(match, child);
      } else {
        const added = document.importNode(child, true);
        old.insertBefore(added, cursor);
        if (added.nodeType === Node.ELEMENT_NODE) {
          remember(added);
          if (key) added.classList.add("appearing");
        }
      }
    }
    while (cursor) {
      const next = cursor.nextSibling;
      cursor.remove();
      cursor = next;
    }
  }

  function towards(element, html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    patchChildren(element, template.content);
  }

  return { towards, remember };
})();
