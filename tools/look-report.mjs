// Opens reports in a headless browser at three widths and looks at them: no horizontal scrolling, no overlapping texts in
// drawings, no request that leaves the page, and, where axe-core is installed, no serious finding of it. With --pdf the page is
// looked at as it is printed, too.
//
//   node tools/look-report.mjs [--shots DIR] [--only light-900] [--pdf] [--axe node_modules/axe-core/axe.min.js] REPORT.html …
//
// The browser is $CHROMIUM, else `chromium`. Exits 1 when something is found.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// Widths of windows; pictures of a page are slices of so many pixels.
const WIDTHS = [400, 900, 1600];
const SLICE = 1500;

// The width of A4 within the margins of the page.
const PRINTED = 688;

const args = process.argv.slice(2);
const option = (name) => {
  const at = args.indexOf(name);
  return at < 0 ? null : args.splice(at, 2)[1];
};
const flag = (name) => {
  const at = args.indexOf(name);
  return at >= 0 && args.splice(at, 1).length > 0;
};
const [shots, axe, pdf] = [option("--shots"), option("--axe"), flag("--pdf")];
const only = option("--only");
if (args.length === 0) {
  console.error("usage: node tools/look-report.mjs [--shots DIR] [--only light-900] [--pdf] [--axe FILE] REPORT.html …");
  process.exit(2);
}
if (shots) mkdirSync(shots, { recursive: true });

// Runs in the page: what is wrong with it at its present width.
function look() {
  const found = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    // What scrolls or cuts by itself makes no page wider.
    const within = (e) => e && (e.tagName === "svg" || getComputedStyle(e).overflowX !== "visible" || within(e.parentElement));
    const wide = [...document.querySelectorAll("main *, header *, nav *")].filter((e) =>
      e.getBoundingClientRect().right > root.clientWidth + 1 && !within(e.parentElement));
    const names = wide.slice(0, 3).map((e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class")} ${e.closest("[id]").id}`);
    found.push(`scrolls to ${root.scrollWidth} of ${root.clientWidth} pixels: ${names.join(", ")}`);
  }
  for (const svg of document.querySelectorAll("figure svg")) {
    if (svg.getClientRects().length === 0) continue;
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")]
      .map((e) => [e.textContent, e.getBoundingClientRect()])
      .filter(([words, box]) => words.trim() && box.width > 0);
    const name = svg.closest("figure").id || "picture";
    const slack = 1.5;
    for (const [i, [words, a]] of texts.entries()) {
      if (a.left < frame.left - slack || a.right > frame.right + slack) found.push(`${name}: “${words}” leaves the drawing`);
      for (const [other, b] of texts.slice(i + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > slack && down > 0.3 * Math.min(a.height, b.height)) found.push(`${name}: “${words}” over “${other}”`);
      }
    }
  }
  return found;
}

const folder = mkdtempSync(join(tmpdir(), "look-report-"));
const browser = spawn(process.env.CHROMIUM || "chromium", [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--hide-scrollbars", `--user-data-dir=${folder}`,
  "--remote-debugging-pipe", "about:blank",
], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });

let last = 0;
let rest = "";
const waiting = new Map();
const listeners = [];
browser.stdio[4].on("data", (bytes) => {
  const parts = (rest + bytes).split("\0");
  rest = parts.pop();
  for (const part of parts) {
    const message = JSON.parse(part);
    const wait = waiting.get(message.id);
    if (wait) {
      waiting.delete(message.id);
      message.error ? wait[1](new Error(message.error.message)) : wait[0](message.result);
    } else {
      listeners.forEach((listener) => listener(message));
    }
  }
});
const send = (method, params = {}, sessionId) => new Promise((resolve, reject) => {
  last += 1;
  waiting.set(last, [resolve, reject]);
  browser.stdio[3].write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
});

async function report(file) {
  const found = [];
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const page = (method, params) => send(method, params, sessionId);
  const run = async (expression) => {
    const { result, exceptionDetails } = await page("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description || exceptionDetails.text);
    return result.value;
  };
  const url = pathToFileURL(resolve(file)).href;
  const requests = [];
  let loaded;
  listeners.push((message) => {
    if (message.sessionId !== sessionId) return;
    if (message.method === "Network.requestWillBeSent") requests.push(message.params.request.url);
    if (message.method === "Page.loadEventFired") loaded();
    if (message.method === "Runtime.exceptionThrown") found.push(`script: ${message.params.exceptionDetails.text}`);
  });
  for (const domain of ["Page", "Network", "Runtime"]) await page(`${domain}.enable`);
  const open = async () => {
    const load = new Promise((done) => { loaded = done; });
    await page("Page.navigate", { url });
    await load;
  };
  const name = basename(file, ".html");
  for (const theme of ["light", "dark"]) {
    await page("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: theme }] });
    for (const width of WIDTHS.filter((width) => !only || only === `${theme}-${width}`)) {
      await page("Emulation.setDeviceMetricsOverride", { width, height: SLICE, deviceScaleFactor: 1, mobile: false });
      await open();
      const told = await run(`(${look})()`);
      if (theme === "light") found.push(...told.map((text) => `${width}: ${text}`));
      if (shots) {
        const height = await run("document.documentElement.scrollHeight");
        for (let part = 0; part * SLICE < height; part += 1) {
          await run(`scrollTo({ top: ${part * SLICE}, behavior: "instant" })`);
          const { data } = await page("Page.captureScreenshot");
          const file = `${name}-${theme}-${width}-${String(part).padStart(2, "0")}.png`;
          writeFileSync(join(shots, file), Buffer.from(data, "base64"));
        }
      }
    }
    if (axe) {
      await run(readFileSync(axe, "utf8"));
      await run("document.querySelectorAll('details').forEach((e) => { e.open = true; })");
      const serious = await run(`axe.run().then((r) => r.violations
        .filter((v) => ["serious", "critical"].includes(v.impact))
        .map((v) => v.id + ": " + v.nodes.length + " × " + v.nodes[0].html.slice(0, 120) + " " + v.nodes[0].failureSummary.slice(0, 200)))`);
      found.push(...serious.map((text) => `axe, ${theme}: ${text}`));
    }
  }
  if (pdf) {
    await page("Emulation.setEmulatedMedia", { media: "print", features: [] });
    await page("Emulation.setDeviceMetricsOverride", { width: PRINTED, height: SLICE, deviceScaleFactor: 1, mobile: false });
    // What is shown on demand is closed again.
    await open();
    found.push(...(await run(`(${look})()`)).map((text) => `printed: ${text}`));
    const { data } = await page("Page.printToPDF", { printBackground: true, paperWidth: 8.27, paperHeight: 11.69 });
    if (shots) writeFileSync(join(shots, `${name}.pdf`), Buffer.from(data, "base64"));
  }
  const outside = requests.filter((one) => one !== url && !one.startsWith("data:") && !one.startsWith("blob:"));
  found.push(...outside.map((one) => `asks for ${one}`));
  await send("Target.closeTarget", { targetId });
  return [...new Set(found)];
}

let total = 0;
for (const file of args) {
  const found = await report(file);
  total += found.length;
  console.log(`${file}: ${found.length === 0 ? "nothing found" : `${found.length} found`}`);
  found.forEach((text) => console.log(`  ${text}`));
}
browser.kill();
await new Promise((done) => browser.on("exit", done));
rmSync(folder, { recursive: true, force: true });
process.exit(total === 0 ? 0 : 1);
