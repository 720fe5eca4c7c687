// The picture of a pointer, drawn in the page but out of its reach: closed shadow root, no events, above all.
// KIND = 'mouse' | 'touch', SIZE = a factor.
(() => {
  if (window !== window.top || !window.__stage) return;
  const host = document.createElement('div');
  host.style.cssText = 'all:initial;position:fixed;left:0;top:0;width:0;height:0;z-index:2147483647;pointer-events:none';
  const root = host.attachShadow({ mode: 'closed' });
  const mark = document.createElement('div');
  // A layer of its own, or it would be drawn into what lies below at some times and not at others.
  mark.style.cssText = 'position:fixed;left:0;top:0;pointer-events:none;visibility:hidden;will-change:transform';
  if (KIND === 'mouse') {
    mark.innerHTML = `<svg width="${13 * SIZE}" height="${20 * SIZE}" viewBox="0 0 13 20" style="display:block">`
      + '<path d="M1 1v15l3.6-3.3 2.3 5.5 2.5-1-2.3-5.4h5z" fill="#000" stroke="#fff" stroke-width="1.2"/></svg>';
  } else {
    const d = 34 * SIZE;
    mark.style.cssText += `;width:${d}px;height:${d}px;margin:${-d / 2}px 0 0 ${-d / 2}px;border-radius:50%;`
      + 'background:rgba(128,128,128,.45);box-shadow:0 0 0 1.5px rgba(255,255,255,.6)';
  }
  root.append(mark);
  let drawn = 'hidden';
  // Returns whether its picture changed.
  window.__stage.pointer = (x, y, down) => {
    if (!host.isConnected) document.documentElement.append(host);
    mark.style.visibility = KIND === 'mouse' || down ? 'visible' : 'hidden';
    mark.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
    const before = drawn;
    drawn = mark.style.visibility === 'hidden' ? 'hidden' : mark.style.transform;
    return drawn !== before;
  };
})();
