"use strict";
/* Everything around the apps: status bar, home screen, the bar below, and an app's opening and closing. */
const Home = (() => {
  let world = null;
  let openApp = null;

  const $ = (id) => document.getElementById(id);

  function clock() {
    const now = new Date();
    const hour = now.getHours();
    const shown = world.hours24 ? String(hour).padStart(2, "0") : hour % 12 || 12;
    return `${shown}:${String(now.getMinutes()).padStart(2, "0")}`;
  }

  function battery() {
    const width = Math.round(18 * world.battery);
    return `<svg class="battery" viewBox="0 0 27 13" width="27" height="13"><rect x=".5" y=".5" width="22" height="12" rx="3.6" fill="none" stroke="currentColor" opacity=".4"/><rect x="2" y="2" width="${width}" height="9" rx="2.2" fill="currentColor"/><rect x="24" y="4" width="2" height="5" rx="1" fill="currentColor" opacity=".5"/></svg>`;
  }

  function bars() {
    const cells = [4, 6, 8.5, 11].map((h, i) => `<rect x="${i * 5}" y="${12 - h}" width="3.4" height="${h}" rx="1" fill="currentColor" opacity="${i < world.signal ? 1 : 0.3}"/>`);
    return `<svg viewBox="0 0 19 12" width="19" height="12">${cells.join("")}</svg>`;
  }

  function status() {
    const s = phone.settings();
    const wifi = s.wifi === false ? "" : Markup.icon(["wifi", "wifi"], world.theme);
    const signal = s.airplane ? Markup.icon(["airplane", "airplanemode_active"], world.theme) : bars();
    const saver = s.saver ? "saving" : "";
    const html = `<div class="status-time">${clock()}</div><div class="status-icons ${saver}">${signal}${wifi}${battery()}</div>`;
    if ($("statusbar").innerHTML !== html) Morph.towards($("statusbar"), html);
  }

  function appIcon(app, label) {
    const [from, to] = app.icon.colors;
    const name = label ? `<span>${Markup.escape(app.name)}</span>` : "";
    return `<a class="home-icon" data-id="app:${app.app}" data-app="${app.app}"><div class="glyph" style="background:linear-gradient(${from},${to})">${Markup.icon([app.icon.ios, app.icon.md], world.theme)}</div>${name}</a>`;
  }

  function draw() {
    const home = $("home");
    home.className = `wallpaper-${phone.settings().wallpaper ?? world.wallpaper}`;
    const grid = world.home.grid.map((a) => appIcon(a, true)).join("");
    const dock = world.home.dock.map((a) => appIcon(a, world.theme === "md")).join("");
    const search = world.theme === "md" ? `<div class="home-search">${Markup.icon(["", "search"], "md")}</div>` : `<div class="home-dots">${Markup.icon(["search", ""], "ios")}Search</div>`;
    Morph.towards(home, `<div class="home-grid">${grid}</div>${search}<div class="home-dock">${dock}</div>`);
  }

  function origin(name) {
    const glyph = document.querySelector(`#home [data-app="${name}"] .glyph`);
    if (!glyph) return `${innerWidth / 2}px ${innerHeight / 2}px`;
    const r = glyph.getBoundingClientRect();
    return `${r.left + r.width / 2}px ${r.top + r.height / 2}px`;
  }

  function open(name, animate = true) {
    const app = $("app");
    openApp = name;
    phone.mount(name);
    app.style.transformOrigin = origin(name);
    app.classList.toggle("still", !animate);
    app.classList.add("open");
    document.documentElement.classList.add("in-app");
  }

  function close() {
    if (!openApp) return;
    const app = $("app");
    app.style.transformOrigin = origin(openApp);
    app.classList.remove("open", "still");
    document.documentElement.classList.remove("in-app");
    openApp = null;
    draw();
    phone.unmount();
  }

  function start(given) {
    world = given;
    const foot = world.nav === "buttons"
      ? `<a data-nav="back" data-id="nav:back"><svg viewBox="0 0 16 16" width="16"><path d="M12 2 4 8l8 6z" fill="none" stroke="currentColor" stroke-width="1.6"/></svg></a><a data-nav="home"><svg viewBox="0 0 16 16" width="16"><circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.6"/></svg></a><a data-nav="recent"><svg viewBox="0 0 16 16" width="15"><rect x="2.5" y="2.5" width="11" height="11" rx="1.5" fill="none" stroke="currentColor" stroke-width="1.6"/></svg></a>`
      : `<div class="home-pill"></div>`;
    $("navbar-system").innerHTML = foot;
    $("navbar-system").className = world.nav;
    draw();
    status();
    setInterval(status, 1000);
    $("home").addEventListener("click", (event) => {
      const icon = event.target.closest(".home-icon");
      if (icon && phone.has(icon.dataset.app)) open(icon.dataset.app);
    });
    $("navbar-system").addEventListener("click", (event) => {
      const way = event.target.closest("[data-nav]")?.dataset.nav;
      if (way === "home") close();
      if (way === "back" && openApp && !phone.back()) close();
    });
  }

  return { start, open, close, draw, status, current: () => openApp };
})();
