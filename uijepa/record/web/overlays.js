"use strict";
/* Popups, sheets, dialogs, menus and toasts: Framework7's, with ids on their buttons. */
const Overlays = (() => {
  let current = null;
  const screens = new Set();

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

  function screen(f7, kind, page) {
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

  function confirm(f7, store, spec, record, then) {
    const modal = f7.dialog.create({
      title: store.fill(spec.title, record),
      text: store.fill(spec.text || "", record),
      buttons: [{ text: spec.cancel || "Cancel" }, { text: spec.ok, strong: true, color: spec.danger ? "red" : undefined, onClick: leaving(() => then(spec.do)) }],
    });
    watch(modal, ".dialog-button", ["cancel", "ok"]);
  }

  function prompt(f7, store, spec, record, then) {
    const value = Render.escape(store.draft[spec.field] ?? "");
    const modal = f7.dialog.create({
      title: store.fill(spec.title, record),
      content: `<div class="dialog-input-field input"><input type="text" class="dialog-input" data-id="${spec.field}" data-field="${spec.field}" value="${value}" placeholder="${Render.escape(spec.placeholder || "")}" autocomplete="off" spellcheck="false"/></div>`,
      buttons: [{ text: "Cancel" }, { text: spec.ok, strong: true, onClick: leaving(() => then(spec.do)) }],
    });
    watch(modal, ".dialog-button", ["cancel", "ok"]);
  }

  function menu(f7, items, then) {
    const buttons = items.map((item) => ({ text: item.text, color: item.danger ? "red" : undefined, onClick: leaving(() => then(item.do)) }));
    const modal = f7.actions.create({ buttons: [buttons, [{ text: "Cancel", strong: true }]] });
    watch(modal, ".actions-button", [...items.map((item) => item.id), "cancel"]);
  }

  function toast(f7, text) {
    f7.toast.create({ text, position: f7.theme === "ios" ? "center" : "bottom", destroyOnClose: true }).open();
  }

  function cancel() {
    if (!current) return false;
    current.close();
    return true;
  }

  function closeAll() {
    if (current) current.close(false);
    for (const modal of screens) modal.close(false);
  }

  return { screen, confirm, prompt, menu, toast, cancel, closeAll, shown: () => current !== null, element: () => current?.el };
})();
