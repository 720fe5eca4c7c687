"use strict";
/* Framework7's moving parts: its router, popups, sheets, dialogs, menus, toasts and wheels. */
const Shell = (() => {
  let f7 = null;
  let world = null;
  let view = null;
  let current = null;
  const screens = new Set();

  // Framework7 derives a Material scheme from each of its 14 colours, a tenth of a clip's time; the pages show these.
  const SHOWN = ["primary", "red", "blue"];
  const { utils } = Framework7.prototype;
  Framework7.prototype.utils = {
    ...utils,
    colorThemeCSSStyles: (colors, scheme) =>
      utils.colorThemeCSSStyles(Object.fromEntries(SHOWN.map((name) => [name, colors[name]])), scheme),
  };

  function start(given) {
    world = given;
    f7 = new Framework7({
      el: "#app",
      name: "Phone",
      theme: world.theme,
      darkMode: world.dark,
      colors: { primary: world.accent },
      touch: { tapHold: false },
      toast: { closeTimeout: 2500 },
    });
  }

  /* An app's first page in `host`; `markup(n)` is the page of frame `n`. */
  function mount(host, n, markup) {
    host.className = "view view-main";
    view = f7.views.create(host, {
      main: true,
      url: `/${n}/`,
      iosSwipeBack: false,
      transition: world.transition || undefined,
      routes: [{ path: "/:n/", async: ({ to, resolve }) => resolve({ content: markup(Number(to.params.n)) }) }],
    });
  }

  /* Lets go of the app; what is returned removes it for good. */
  function unmount() {
    const old = view;
    view = null;
    if (current) current.close(false);
    for (const modal of screens) modal.close(false);
    return () => old.destroy();
  }

  const push = (n) => view.router.navigate(`/${n}/`);
  const replace = (n) => view.router.navigate(`/${n}/`, { reloadCurrent: true, ignoreCache: true, animate: false });
  const pop = (n, count) => (count === 1 ? view.router.back() : view.router.back(`/${n}/`, { force: true }));
  const moving = () => Boolean(view) && !view.router.allowPageChange;
  const dark = (on) => on !== f7.darkMode && f7.setDarkMode(on);
  const removeRow = (element, then) => f7.swipeout.delete(element.closest("li"), then);

  /* A screen over the page: {close}. */
  function screen(kind, page) {
    const content = kind === "popup" ? `<div class="popup">${page}</div>` : `<div class="sheet-modal sheet-screen">${page}</div>`;
    const modal = f7[kind].create({ content, backdrop: true, closeByBackdropClick: false });
    screens.add(modal);
    modal.on("closed", () => {
      screens.delete(modal);
      modal.destroy();
    });
    modal.open();
    return modal;
  }

  function watch(modal, selector, ids) {
    modal.open();
    current = modal;
    modal.on("close", () => {
      if (current === modal) current = null;
      Keyboard.hide();
    });
    modal.on("closed", () => modal.destroy());
    const buttons = modal.el.querySelectorAll(selector);
    ids.forEach((id, i) => (buttons[i].dataset.id = id));
  }

  /* A button's action is about what lies below: the overlay is closing already. */
  const leaving = (then) => () => {
    current = null;
    then();
  };

  /* A question with `field` = {id, value, placeholder} to fill in, or none. */
  function dialog({ title, text, ok, cancel, danger, field }, then) {
    const input = field && `<div class="dialog-input-field input"><input type="text" class="dialog-input" data-id="${field.id}" data-field="${field.id}" value="${field.value}" placeholder="${field.placeholder}" autocomplete="off" spellcheck="false"/></div>`;
    const modal = f7.dialog.create({
      title,
      text,
      content: input || "",
      buttons: [{ text: cancel }, { text: ok, strong: true, color: danger ? "red" : undefined, onClick: leaving(then) }],
    });
    watch(modal, ".dialog-button", ["cancel", "ok"]);
  }

  function menu(items, then) {
    const buttons = items.map((item) => ({ text: item.text, color: item.danger ? "red" : undefined, onClick: leaving(() => then(item)) }));
    const modal = f7.actions.create({ buttons: [buttons, [{ text: "Cancel", strong: true }]] });
    watch(modal, ".actions-button", [...items.map((item) => item.id), "cancel"]);
  }

  function toast(text) {
    f7.toast.create({ text, position: f7.theme === "ios" ? "center" : "bottom", destroyOnClose: true }).open();
  }

  function cancel() {
    if (!current) return false;
    current.close();
    return true;
  }

  /* A wheel of `cols` with `value`; `change(values)` hears of every turn. Returns [{items, scroller, values}]. */
  function wheel(host, cols, value, change) {
    const picker = f7.picker.create({
      containerEl: host,
      toolbar: false,
      rotateEffect: world.theme === "ios",
      cols,
      value,
      on: { change: (_, values) => change(values.filter((v) => v !== undefined)) },
    });
    return () => picker.cols.filter((col) => !col.divider).map((col) => ({ element: col.el, scroller: col.$itemsEl[0], item: col.items[0], values: col.values }));
  }

  return { start, mount, unmount, push, replace, pop, moving, dark, removeRow, screen, dialog, menu, toast, cancel, wheel, shown: () => current !== null, element: () => current?.el };
})();
