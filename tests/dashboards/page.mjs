// node page.mjs URL OUT: the agent's page in headless Chromium, light and dark, wide and narrow; and that nothing in it runs.
import path from 'node:path';
import puppeteer from 'puppeteer-core';

const [url, out] = process.argv.slice(2);
const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
let bad = 0;
const check = (good, what) => { if (!good) { console.log('page: ' + what); bad++; } };
for (const [width, mode] of [[1400, 'light'], [1400, 'dark'], [400, 'light'], [400, 'dark']]) {
  const page = await browser.newPage();
  page.on('dialog', dialog => { check(false, 'a hostile name opened a dialog'); dialog.dismiss(); });
  page.on('pageerror', error => check(false, error.message));
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: mode }]);
  await page.setViewport({ width, height: 900 });
  await page.goto(url);
  await new Promise(done => setTimeout(done, 600));
  const seen = await page.evaluate(() => ({ over: document.documentElement.scrollWidth - innerWidth, live: document.getElementById('live').textContent,
    articles: document.querySelectorAll('article').length, strange: document.querySelectorAll('main script, main img, main iframe').length, hit: window.hit }));
  check(seen.over <= 0, `${width} px: it is ${seen.over} px too wide`);
  check(seen.live === 'live', 'the script does not run');
  check(seen.articles > 0, 'no diagnosis is shown');
  check(seen.strange === 0 && seen.hit === undefined, 'a name became markup');
  await page.screenshot({ path: path.join(out, `page-${width}-${mode}.png`) });
  await page.close();
}
// Without scripts, with the filter.
const plain = await browser.newPage();
await plain.setJavaScriptEnabled(false);
await plain.goto(url + '?cause=privileged_port');
const text = await plain.content();
check(text.includes('privileged_port') && !text.includes('<span class="chip">symlink_refused</span>'), 'the filter needs a script');
await browser.close();
console.log(bad ? `page: ${bad} problems` : 'page: four pictures, no problem');
process.exit(bad ? 1 : 0);
