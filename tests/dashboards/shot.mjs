// node shot.mjs PROMETHEUS_URL DASHBOARDS OUT NOW SPAN: draws every dashboard in headless Chromium and saves a picture of each.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import puppeteer from 'puppeteer-core';

const [prometheus, dashboards, out, now, span] = process.argv.slice(2);
const page_html = '<!doctype html><html style="height:100%"><meta charset="utf-8"><link rel="stylesheet" href="/bundle.css"><body style="margin:0;height:100%"><div id="app"></div><script src="/bundle.js"></script></body></html>';
const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://x');
  if (url.pathname.startsWith('/api/')) {
    const answer = await fetch(prometheus + request.url);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  } else if (url.pathname.startsWith('/dashboards/')) response.end(fs.readFileSync(path.join(dashboards, path.basename(url.pathname))));
  else if (url.pathname === '/bundle.css') response.writeHead(200, { 'content-type': 'text/css' }).end(fs.readFileSync('bundle.css'));
  else if (url.pathname === '/bundle.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(fs.readFileSync('bundle.js'));
  else response.writeHead(200, { 'content-type': 'text/html' }).end(page_html);
}).listen(0, '127.0.0.1');
await new Promise(done => server.once('listening', done));
const profile = fs.mkdtempSync('/tmp/chromium-');
const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', headless: true, userDataDir: profile, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
let bad = 0;
for (const file of fs.readdirSync(dashboards).filter(name => name.endsWith('.json'))) {
  const uid = path.basename(file, '.json'), page = await browser.newPage();
  await page.setViewport({ width: 1500, height: 900 });
  page.on('pageerror', error => { console.log(`${uid}: ${error.message}`); bad++; });
  await page.goto(`http://127.0.0.1:${server.address().port}/?uid=${uid}&now=${now}&span=${span}`);
  await page.waitForFunction(() => (window.problems && window.problems.length) || (document.querySelector('[data-panel]') && !document.querySelector('[data-panel]:not([data-ready])')), { timeout: 20000 });
  await new Promise(done => setTimeout(done, 1200));
  const found = await page.evaluate(() => ({ problems: window.problems, errors: [...document.querySelectorAll('[data-panel-error]')].map(e => `${e.dataset.panel}: ${e.dataset.panelError}`),
    empty: [...document.querySelectorAll('[data-panel-nodata]')].map(e => e.dataset.panel), height: document.documentElement.scrollHeight, panels: document.querySelectorAll('[data-panel]').length }));
  await page.setViewport({ width: 1500, height: Math.ceil(found.height) });
  await new Promise(done => setTimeout(done, 800));
  await page.screenshot({ path: path.join(out, `${uid}.png`) });
  console.log(`${uid}: ${found.panels} panels, problems: ${JSON.stringify(found.problems)}, errors: ${JSON.stringify(found.errors)}, no data: ${JSON.stringify(found.empty)}`);
  bad += found.problems.length + found.errors.length + found.empty.length;
  await page.close();
}
await browser.close();
server.close();
fs.rmSync(profile, { recursive: true, force: true });
process.exit(bad ? 1 : 0);
