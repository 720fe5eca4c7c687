"use strict";
/* Fingers on glass: dragging scrolls what lies under the finger and lets it glide; a swipe up from the lower edge
   goes home. Native touch scrolling runs on the compositor's own clock, which a virtual clock cannot step. */
const Gestures = (() => {
  const SLOP = 8;
  let touch = null;
  let glide = 0;
  let swallow = false;

  function scroller(element) {
    for (let e = element.closest(".picker-items, .page-content, .sheet-scroll"); e; e = e.parentElement?.closest(".page-content")) {
      if (e.scrollHeight > e.clientHeight + 1) return e;
    }
    return null;
  }

  function down(event) {
    cancelAnimationFrame(glide);
    const target = event.target;
    swallow = false;
    touch = { x: event.clientX, y: event.clientY, at: performance.now(), v: 0, lastY: event.clientY, axis: null };
    touch.edge = event.clientY > innerHeight - 28;
    touch.scroll = target.closest ? scroller(target) : null;
    touch.top = touch.scroll?.scrollTop;
    touch.shelf = target.closest?.(".shelf");
    touch.notice = target.closest?.("#notice");
  }

  function move(event) {
    if (!touch) return;
    const dx = event.clientX - touch.x;
    const dy = event.clientY - touch.y;
    if (!touch.axis && Math.hypot(dx, dy) > SLOP) {
      touch.axis = Math.abs(dy) >= Math.abs(dx) ? "y" : "x";
      swallow = true;
      if (touch.axis === "x" && touch.shelf) [touch.scroll, touch.left] = [null, touch.shelf.scrollLeft];
      if (touch.axis === "y" && touch.scroll) touch.scroll.style.scrollSnapType = "none";
    }
    const now = performance.now();
    if (now > touch.at) touch.v = (event.clientY - touch.lastY) / (now - touch.at);
    touch.at = now;
    touch.lastY = event.clientY;
    if (touch.notice) return;
    if (touch.axis === "y" && touch.scroll && !touch.edge) touch.scroll.scrollTop = touch.top - dy;
    if (touch.axis === "x" && touch.shelf) touch.shelf.scrollLeft = touch.left - dx;
  }

  function up(event) {
    if (!touch) return;
    const { scroll, axis, edge, v, y, notice } = touch;
    touch = null;
    if (notice) {
      Notices.hide();
      return;
    }
    if (edge && y - event.clientY > 60) {
      Home.close();
      return;
    }
    if (axis !== "y" || !scroll) return;
    if (scroll.classList.contains("picker-items")) settle(scroll);
    else coast(scroll, v);
  }

  /* A wheel comes to rest on its nearest item. */
  function settle(wheel) {
    const height = wheel.querySelector(".picker-item").offsetHeight;
    const goal = Math.round(wheel.scrollTop / height) * height;
    const step = () => {
      const left = goal - wheel.scrollTop;
      wheel.scrollTop = Math.abs(left) < 3 ? goal : wheel.scrollTop + left * 0.5;
      if (wheel.scrollTop !== goal && Math.abs(left) >= 3) glide = requestAnimationFrame(step);
      else wheel.style.scrollSnapType = "";
    };
    step();
  }

  function coast(scroll, speed) {
    let v = speed;
    let last = performance.now();
    const step = () => {
      const now = performance.now();
      const dt = Math.min(now - last, 50);
      last = now;
      v *= Math.exp(-dt / 180);
      scroll.scrollTop -= v * dt;
      if (Math.abs(v) > 0.03) glide = requestAnimationFrame(step);
    };
    glide = requestAnimationFrame(step);
  }

  function start() {
    addEventListener("pointerdown", down, true);
    addEventListener("pointermove", move, true);
    addEventListener("pointerup", up, true);
    addEventListener("pointercancel", () => (touch = null), true);
    // A drag that ends on the element it began on is no tap.
    addEventListener(
      "click",
      (event) => {
        if (!swallow) return;
        swallow = false;
        event.stopPropagation();
        event.preventDefault();
      },
      true,
    );
    // Tapping a button must not take the focus from the field above the keyboard: phones keep it.
    addEventListener("mousedown", (event) => {
      if (!event.target.closest("input, textarea")) event.preventDefault();
    });
    document.addEventListener("dragstart", (event) => event.preventDefault());
  }

  return { start };
})();
