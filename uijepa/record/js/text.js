// The lines of text a person sees at this moment, in reading order.
() => {
  const inside = (x, y) => x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;
  const style = new Map();
  const css = (element) => {
    if (!style.has(element)) style.set(element, getComputedStyle(element));
    return style.get(element);
  };
  const paints = (element) => {
    const s = css(element);
    if (/^(IMG|CANVAS|VIDEO)$/.test(element.tagName)) return true;
    const alpha = /rgba\(.*, ([\d.]+)\)$/.exec(s.backgroundColor);
    return Number(s.opacity) > 0.3 && (s.backgroundImage !== 'none' || !alpha || Number(alpha[1]) > 0.3);
  };
  const parentOf = (node) => node.parentElement || (node.getRootNode() instanceof ShadowRoot ? node.getRootNode().host : null);
  const within = (outer, node) => {
    for (let at = node; at; at = parentOf(at)) if (at === outer) return true;
    return false;
  };
  // Nothing opaque lies over the point, and no ancestor cuts it off.
  const seen = (element, x, y) => {
    if (!inside(x, y)) return false;
    for (let at = parentOf(element); at && at !== document.documentElement; at = parentOf(at)) {
      const s = css(at);
      if (s.overflowX === 'visible' && s.overflowY === 'visible') continue;
      if (at === document.body) continue;
      const r = at.getBoundingClientRect();
      if ((s.overflowX !== 'visible' && (x < r.left || x > r.right))
        || (s.overflowY !== 'visible' && (y < r.top || y > r.bottom))) return false;
    }
    for (const above of element.getRootNode().elementsFromPoint(x, y)) {
      if (within(element, above) || within(above, element)) return true;
      if (paints(above)) return false;
    }
    return true;
  };
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && Number(css(element).fontSize.replace('px', '')) >= 1;
  const blockOf = (element) => {
    let at = element;
    while (parentOf(at) && /^(inline|contents)/.test(css(at).display)) at = parentOf(at);
    return at;
  };
  const cased = (text, element) => {
    const how = css(element).textTransform;
    if (how === 'uppercase') return text.toUpperCase();
    if (how === 'lowercase') return text.toLowerCase();
    if (how === 'capitalize') return text.replace(/(^|\s)(\S)/g, (all, gap, letter) => gap + letter.toUpperCase());
    return text;
  };

  const pieces = [];
  const put = (text, rect, element) => {
    const clean = text.replace(/\s+/g, ' ');
    if (!clean.trim() || rect.width < 1 || rect.height < 1) return;
    const left = Math.max(rect.left, 0);
    const right = Math.min(rect.right, innerWidth);
    if (seen(element, (left + right) / 2, (rect.top + rect.bottom) / 2)) {
      pieces.push({ text: cased(clean, element), rect, block: blockOf(element) });
    }
  };
  const range = document.createRange();
  const putText = (node, element) => {
    range.selectNodeContents(node);
    const rects = range.getClientRects();
    if (rects.length === 0) return;
    if (rects.length === 1) { put(node.data, rects[0], element); return; }
    // Several lines: word by word, joined again below.
    for (const match of node.data.matchAll(/\S+/g)) {
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      put(match[0], range.getBoundingClientRect(), element);
    }
  };
  const putControl = (element) => {
    const rect = element.getBoundingClientRect();
    if (element.tagName === 'SELECT') {
      for (const option of element.selectedOptions) put(option.textContent, rect, element);
    } else if (!/^(checkbox|radio|range|color|file|image|hidden|password)$/.test(element.type)) {
      const text = element.value || element.placeholder || '';
      const line = parseFloat(css(element).lineHeight) || 1.25 * parseFloat(css(element).fontSize);
      text.split('\n').forEach((part, i) => {
        const r = element.tagName === 'TEXTAREA' ? new DOMRect(rect.left, rect.top + i * line, rect.width, line) : rect;
        put(part, r, element);
      });
    }
  };
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      const element = node.parentElement || node.parentNode.host;
      if (element && node.data.trim() && shown(element)) putText(node, element);
      return;
    }
    if (node.nodeType === Node.ELEMENT_NODE) {
      if (/^(SCRIPT|STYLE|NOSCRIPT|TEMPLATE|HEAD|OPTION)$/.test(node.tagName)) return;
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName)) { if (shown(node)) putControl(node); return; }
      if (node.shadowRoot) walk(node.shadowRoot);
    }
    for (const child of node.childNodes) walk(child);
  };
  if (document.body) walk(document.body);

  const middle = (p) => (p.rect.top + p.rect.bottom) / 2;
  const rows = [];
  for (const piece of pieces.sort((p, q) => middle(p) - middle(q) || p.rect.left - q.rect.left)) {
    const row = rows.at(-1);
    if (row && Math.abs(middle(piece) - middle(row[0])) < 0.5 * Math.min(piece.rect.height, row[0].rect.height)) row.push(piece);
    else rows.push([piece]);
  }
  const lines = [];
  for (const row of rows) {
    let last = null;
    for (const piece of row.sort((p, q) => p.rect.left - q.rect.left)) {
      const gap = last ? piece.rect.left - last.rect.right : 0;
      if (last && last.block === piece.block && gap < 1.5 * piece.rect.height) {
        lines[lines.length - 1] += (gap > 0.12 * piece.rect.height ? ' ' : '') + piece.text;
      } else lines.push(piece.text);
      last = piece;
    }
  }
  return lines.map((line) => line.replace(/\s+/g, ' ').trim()).filter(Boolean);
}
