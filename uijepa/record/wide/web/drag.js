"use strict";
/* Dragging with the mouse: a copy follows the pointer, the place under it lights up, letting go there drops. */
const Drag = (() => {
  const START_PX = 6;
  let from = null;
  let ghost = null;
  let over = null;
  let ended = false;

  function under(x, y) {
    return document.elementsFromPoint(x, y).map((e) => e.closest("[data-drop]")).find((e) => e && e !== from.element && !e.closest(".ghost")) || null;
  }

  function lift() {
    const box = from.element.getBoundingClientRect();
    ghost = from.element.cloneNode(true);
    ghost.classList.add("ghost");
    for (const inner of [ghost, ...ghost.querySelectorAll("[data-id]")]) inner.removeAttribute("data-id");
    ghost.style.cssText += `;width:${box.width}px;height:${box.height}px;left:${box.x}px;top:${box.y}px`;
    document.getElementById("desk").append(ghost);
    from.element.classList.add("lifted");
  }

  function light(place) {
    if (place === over) return;
    over?.classList.remove("over");
    over = place;
    over?.classList.add("over");
  }

  function moved(event) {
    if (!from) return;
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    if (!ghost && Math.hypot(dx, dy) < START_PX) return;
    if (!ghost) lift();
    ghost.style.translate = `${Math.round(dx)}px ${Math.round(dy)}px`;
    light(under(event.clientX, event.clientY));
  }

  function start(dropped) {
    document.addEventListener("mousedown", (event) => {
      const element = event.button === 0 && !event.target.closest("button, input, textarea") && event.target.closest("[data-drag]");
      if (!element) return;
      event.preventDefault();
      from = { element, x: event.clientX, y: event.clientY };
    });
    document.addEventListener("mousemove", moved);
    document.addEventListener("click", (event) => ended && event.stopPropagation(), true);
    document.addEventListener("mouseup", () => {
      const [taken, place, moving] = [from, over, ghost];
      from = null;
      if (!moving) return;
      light(null);
      ghost = null;
      moving.remove();
      taken.element.classList.remove("lifted");
      // The click that follows is the end of the drag, not a click.
      ended = true;
      setTimeout(() => (ended = false), 0);
      if (place) dropped(taken.element, place);
    });
  }

  return { start };
})();
