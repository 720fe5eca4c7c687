"use strict";
/* The moving parts of the Ionic look: pages that slide or rise, screens over others, Ionic's own dialogs, a wheel. */
const Shell = (() => {
  const EASE = "cubic-bezier(0.32, 0.72, 0, 1)";
  let world = null;
  let home = null;
  let draw = null;
  let underway = 0;
  let current = null;
  const screens = new Set();

  const root = () => document.getElementById("app");
  const ios = () => world.theme === "ios";

  function start(given) {
    world = given;
    window.defineIonic(world.theme);
    dark(world.dark);
  }

  function dark(on) {
    for (const name of ["dark", "ion-palette-dark"]) document.documentElement.classList.toggle(name, Boolean(on));
  }

  /* Moves an element between two states and then calls `then`. */
  function glide(element, from, to, ms, then = () => {}) {
    underway++;
    const motion = element.animate([from, to], { duration: ms, easing: EASE, fill: "backwards" });
    motion.onfinish = () => {
      underway--;
      then();
    };
  }

  const away = () => (ios() ? { transform: "translateX(100%)" } : { transform: "translateY(48px)", opacity: 0 });
  const here = () => (ios() ? { transform: "none" } : { transform: "none", opacity: 1 });

  function made(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  }

  const pages = () => [...home.children];

  function mark() {
    for (const page of pages()) page.classList.toggle("page-current", page === home.lastElementChild);
  }

  function mount(host, n, markup) {
    host.className = "ionic-view";
    [home, draw] = [host, markup];
    home.append(made(markup(n)));
    mark();
  }

  function unmount() {
    if (current) current.dismiss();
    for (const modal of screens) modal.close();
    home = null;
    return () => {};
  }

  function push(n) {
    home.append(made(draw(n)));
    mark();
    glide(home.lastElementChild, away(), here(), ios() ? 400 : 280);
  }

  /* Back to frame `n`, from the uppermost page. */
  function pop(n) {
    const top = home.lastElementChild;
    for (const page of pages()) if (page !== top && Number(page.dataset.frame) > n) page.remove();
    glide(top, here(), away(), ios() ? 360 : 220, () => {
      top.remove();
      if (home) mark();
    });
  }

  function replace(n) {
    home.lastElementChild.replaceWith(made(draw(n)));
    mark();
  }

  function screen(kind, page) {
    const box = made(`<div class="over"><div class="shade"></div><div class="${kind === "popup" ? "popup" : "sheet-modal"}">${page}</div></div>`);
    root().append(box);
    const body = box.lastElementChild;
    const [low, high] = [{ transform: "translateY(100%)" }, { transform: "none" }];
    glide(body, low, high, 380);
    const modal = {
      close() {
        screens.delete(modal);
        glide(body, high, low, 300, () => box.remove());
      },
    };
    screens.add(modal);
    return modal;
  }

  /* One of Ionic's own overlays: shown, and known as the uppermost layer until it goes. */
  function overlay(tag, settings, gone) {
    const element = Object.assign(document.createElement(tag), settings);
    root().append(element);
    element.addEventListener(gone, () => {
      if (current === element) current = null;
      Keyboard.hide();
    });
    current = element;
    element.present();
  }

  /* A button's action is about what lies below: the overlay is closing already. */
  const leaving = (then) => () => {
    current = null;
    then();
  };

  const named = (id) => ({ htmlAttributes: { "data-id": id } });

  function dialog({ title, text, ok, cancel: no, danger, field }, then) {
    const buttons = [
      { text: no, role: "cancel", ...named("cancel") },
      { text: ok, role: danger ? "destructive" : "confirm", handler: leaving(then), ...named("ok") },
    ];
    const attributes = field && { "data-id": field.id, "data-field": field.id, autocomplete: "off", spellcheck: "false" };
    const inputs = field ? [{ name: field.id, type: "text", value: field.value, placeholder: field.placeholder, attributes }] : [];
    overlay("ion-alert", { header: title, message: text, buttons, inputs }, "ionAlertWillDismiss");
  }

  function menu(items, then) {
    const buttons = items.map((item) => ({ text: item.text, role: item.danger ? "destructive" : undefined, handler: leaving(() => then(item)), ...named(item.id) }));
    overlay("ion-action-sheet", { buttons: [...buttons, { text: "Cancel", role: "cancel", ...named("cancel") }] }, "ionActionSheetWillDismiss");
  }

  function toast(text) {
    const element = Object.assign(document.createElement("ion-toast"), { message: text, duration: 2000, position: "bottom" });
    root().append(element);
    element.present();
  }

  function cancel() {
    if (!current) return false;
    current.dismiss();
    return true;
  }

  function wheel(host, cols, value, change) {
    let next = 0;
    const columns = cols.filter((col) => !col.divider).map((col) => {
      const items = col.values.map((v) => `<div class="picker-item">${v}</div>`).join("");
      const element = made(`<div class="picker-column"><div class="picker-items">${items}</div></div>`);
      return { element, scroller: element.firstElementChild, item: element.querySelector(".picker-item"), values: col.values, at: value[next++] };
    });
    host.append(...columns.map((c) => c.element), made('<div class="picker-middle"></div>'));
    const read = ({ scroller, item, values }) => values[Math.round(scroller.scrollTop / item.offsetHeight)];
    for (const column of columns) {
      column.scroller.scrollTop = column.values.indexOf(column.at) * column.item.offsetHeight;
      column.scroller.addEventListener("scroll", () => change(columns.map(read)));
    }
    return () => columns;
  }

  return { start, mount, unmount, push, pop, replace, moving: () => underway > 0, dark, removeRow: (_, then) => then(), screen, dialog, menu, toast, cancel, wheel, shown: () => current !== null, element: () => current };
})();
