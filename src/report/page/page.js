"use strict";
(() => {
  const root = document.documentElement, button = document.getElementById("theme");
  const prefers = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (prefers.matches ? "dark" : "light")) === "dark";
  const tell = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.hidden = false;
  button.onclick = () => { root.dataset.theme = isDark() ? "light" : "dark"; tell(); };
  prefers.addEventListener("change", tell);
  tell();
  let before;
  addEventListener("beforeprint", () => { before = root.dataset.theme; root.dataset.theme = "light"; });
  addEventListener("afterprint", () => { if (before) root.dataset.theme = before; else delete root.dataset.theme; });
  const text = (words) => words.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  for (const take of document.querySelectorAll("button.take")) {
    take.hidden = false;
    take.onclick = () => {
      const figure = take.closest("figure"), drawings = [...figure.querySelectorAll("svg")];
      const shown = drawings.find((svg) => svg.getClientRects().length) || drawings[0];
      const [, , width, height] = shown.getAttribute("viewBox").split(/\s+/).map(Number);
      const top = 34;
      const inner = new XMLSerializer().serializeToString(shown)
        .replace(/var\(--[\w-]+,(#[0-9a-f]+)\)/g, "$1").replace(/^<svg/, `<svg y="${top}"`);
      const title = text(figure.querySelector(".chart-title").textContent);
      const font = 'font-family="system-ui, sans-serif"';
      const file = `<svg xmlns="${shown.namespaceURI}" ${font} viewBox="0 0 ${width} ${height + top}" width="${width}" ` +
        `height="${height + top}"><rect width="100%" height="100%" fill="#ffffff"/>` +
        `<text x="2" y="22" font-size="15" font-weight="700" fill="#1a1f27">${title}</text>${inner}</svg>`;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([file], { type: "image/svg+xml" }));
      link.download = `${figure.id}.svg`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    };
  }
})();
