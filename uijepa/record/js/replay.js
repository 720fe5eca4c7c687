// Draws a recorded DOM: tags, classes and texts as recorded, each box where it was, looks from the page's style sheets.
(() => {
  const FORM = /^(INPUT|BUTTON|SELECT|TEXTAREA)/;
  const WRITTEN = /^(INPUT_(?!button|checkbox|radio)|TEXTAREA)/;
  const TEXT = "t";

  const element = (node) => {
    if (node.tag === TEXT) return Object.assign(document.createElement("span"), {textContent: node.text});
    const [tag, type] = node.tag.split("_");
    const made = document.createElement(tag === "BODY" ? "div" : tag);
    if (type) made.type = type;
    if (node.id) made.id = node.id;
    if (node.classes) made.className = node.classes;
    if (typeof node.value === "boolean") made.checked = node.value;
    else if (node.value !== undefined) made.value = node.value;
    if (!node.children.length && node.text && node.value === undefined) made.textContent = node.text;
    if (!FORM.test(node.tag)) Object.assign(made.style, {backgroundColor: node.bgColor, color: node.fgColor});
    return made;
  };

  // A child's place counts from inside its parent's border.
  const place = (node, made, x, y) => {
    Object.assign(made.style, {
      position: "absolute", margin: 0, boxSizing: "border-box", float: "none", transform: "none",
      left: `${node.left - x}px`, top: `${node.top - y}px`, right: "auto", bottom: "auto",
      width: `${node.width}px`, height: `${node.height}px`, minWidth: 0, minHeight: 0, maxHeight: "none",
    });
    if (node.tag === TEXT) {
      const single = node.height < 20;
      Object.assign(made.style, {whiteSpace: single ? "pre" : "normal", lineHeight: single ? `${node.height}px` : ""});
    }
  };

  const draw = (node, parent, x, y) => {
    const made = element(node);
    place(node, made, x, y);
    parent.append(made);
    // Only what could be seen was recorded; sheets hide widgets until their own scripts show them.
    if (getComputedStyle(made).display === "none") made.style.display = "block";
    const inner = [node.left + made.clientLeft, node.top + made.clientTop];
    for (const child of node.children) draw(child, made, ...inner);
    if (node.focused && made.focus) made.focus({preventScroll: true, focusVisible: WRITTEN.test(node.tag)});
  };

  // Pressing only looks like pressing: what it did is in the next recorded DOM.
  for (const kind of ["mousedown", "click", "submit"]) addEventListener(kind, (event) => event.preventDefault(), true);
  window.replay = (tree, above) => {
    document.body.replaceChildren();
    draw(tree, document.body, 0, above);
  };
})();
